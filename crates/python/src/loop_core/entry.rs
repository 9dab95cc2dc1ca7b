//! What waits in the ready queue.

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::interned::Name;
use crate::interop::object::Object;

use super::{shared_context, wrappers};

/// One thing to run in the next turn.
///
/// No Handle is made for what only the loop itself will see: a Task's step, its wake-up
/// by a Future, or a Future's done-callback.
pub(crate) enum Entry {
    /// The next step of a Task of ours.
    Step(Object),
    /// The step of a Task of ours into which an exception is thrown.
    Throw { task: Object, exception: Object },
    /// A Task of ours continues because the future that it waited for is done.
    Wake { task: Object, future: Object },
    /// `callable(*argument)` in a context: done-callbacks, steps of C Tasks.
    Call {
        callable: Object,
        argument: Option<Object>,
        context: Object,
    },
    /// A Handle that somebody holds.
    Run(Object),
    /// A transport of ours can read.
    Readable(Object),
    /// A transport of ours can write.
    Writable(Object),
    /// A `sock_*` operation can try again, or a call in another thread has its answer.
    Operation(Object),
}

impl Entry {
    /// The same entry once more, for a look from outside.
    pub(crate) fn copy(&self) -> Entry {
        match self {
            Entry::Step(task) => Entry::Step(task.clone()),
            Entry::Throw { task, exception } => Entry::Throw {
                task: task.clone(),
                exception: exception.clone(),
            },
            Entry::Wake { task, future } => Entry::Wake {
                task: task.clone(),
                future: future.clone(),
            },
            Entry::Call {
                callable,
                argument,
                context,
            } => Entry::Call {
                callable: callable.clone(),
                argument: argument.clone(),
                context: context.clone(),
            },
            Entry::Run(handle) => Entry::Run(handle.clone()),
            Entry::Readable(transport) => Entry::Readable(transport.clone()),
            Entry::Writable(transport) => Entry::Writable(transport.clone()),
            Entry::Operation(operation) => Entry::Operation(operation.clone()),
        }
    }

    /// Shows the references to the collector.
    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        match self {
            Entry::Step(object)
            | Entry::Readable(object)
            | Entry::Writable(object)
            | Entry::Operation(object) => {
                visitor.object(object);
            }
            Entry::Run(handle) => visitor.queued(handle),
            Entry::Throw {
                task: first,
                exception: second,
            }
            | Entry::Wake {
                task: first,
                future: second,
            } => {
                visitor.object(first);
                visitor.object(second);
            }
            Entry::Call {
                callable,
                argument,
                context,
            } => {
                visitor.object(callable);
                visitor.object(context);
                if let Some(argument) = argument {
                    visitor.object(argument);
                }
            }
        }
    }

    /// The same as a Python callable, its argument, and the context if it has its own (whoever calls a Task's step has to
    /// enter that before); for a `call_soon` that somebody replaced, for Handles and reports. `None` for a Handle.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn as_call(&self) -> PyResult<Option<Call>> {
        let (callable, argument, context) = match self {
            Entry::Step(task) => {
                let step = wrappers::task_step(task.clone(), None)?;
                (step, None, wrappers::task_context(task)?)
            }
            Entry::Throw { task, exception } => {
                let step = wrappers::task_step(task.clone(), Some(exception.clone()))?;
                (step, None, wrappers::task_context(task)?)
            }
            Entry::Wake { task, future } => {
                let wakeup = wrappers::task_wakeup(task.clone())?;
                (wakeup, Some(future.clone()), wrappers::task_context(task)?)
            }
            Entry::Call {
                callable,
                argument,
                context,
            } => (
                callable.clone(),
                argument.clone(),
                Some(shared_context::visible(context)?),
            ),
            Entry::Readable(transport) => {
                let method = calls::attribute(transport, Name::ReadReady.object())?;
                (method, None, None)
            }
            Entry::Writable(transport) => {
                let method = calls::attribute(transport, Name::WriteReady.object())?;
                (method, None, None)
            }
            Entry::Operation(operation) => {
                let method = calls::attribute(operation, Name::Ready.object())?;
                (method, None, None)
            }
            Entry::Run(_) => return Ok(None),
        };
        Ok(Some(Call {
            callable,
            argument,
            context,
        }))
    }
}

/// An entry as Python code would have handed it to `call_soon`.
pub(crate) struct Call {
    pub(crate) callable: Object,
    pub(crate) argument: Option<Object>,
    /// `None` for a transport's or an operation's, which runs in none of its own.
    pub(crate) context: Option<Object>,
}
