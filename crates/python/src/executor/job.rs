//! One call of `run_in_executor`.

use std::cell::Cell;
use std::ffi::CStr;
use std::sync::Arc;

use tepal_core::Waker;

use crate::future::{FutureBody, Outcome, settle};
use crate::handle::CallArguments;
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, create};
use crate::interop::methods::{readable, without_arguments};
use crate::interop::object::{Object, Slot};
use crate::interop::type_builder::TypeBuilder;
use crate::loop_core::attention::CLOSED;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;

/// See the module's table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Answered,
    Cancelled,
    Ended,
}

/// A call on its way to a thread and back.
pub(crate) struct JobBody {
    event_loop: Slot<Ref<LoopBody>>,
    future: Slot,
    function: Slot,
    arguments: Slot<CallArguments>,
    /// The result or the exception.
    outcome: Slot,
    failed: Cell<bool>,
    state: Cell<State>,
}

impl HeapType for JobBody {
    const NAME: &'static CStr = c"tepal._native.Job";
    const FREE_LIST: usize = 64;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> JobBody {
        JobBody {
            event_loop: Slot::empty(),
            future: Slot::empty(),
            function: Slot::empty(),
            arguments: Slot::empty(),
            outcome: Slot::empty(),
            failed: Cell::new(false),
            state: Cell::new(State::Ended),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot_with(&self.event_loop, |visitor, event_loop| {
            visitor.reference(event_loop);
        });
        visitor.slot(&self.future);
        visitor.slot(&self.function);
        visitor.slot_with(&self.arguments, |visitor, arguments| {
            arguments.traverse(visitor);
        });
        visitor.slot(&self.outcome);
    }

    fn clear(&self) {
        self.event_loop.clear();
        self.future.clear();
        self.function.clear();
        self.arguments.clear();
        self.outcome.clear();
    }
}

impl Instance<JobBody> {
    /// A call of `function` whose outcome the Future of ours will get.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(super) fn make(
        event_loop: &Instance<LoopBody>,
        future: &Object,
        function: &Object,
        arguments: &[Object],
    ) -> PyResult<Ref<JobBody>> {
        let arguments = CallArguments::new(arguments)?;
        create(|| JobBody {
            event_loop: Slot::holding(event_loop.reference()),
            future: Slot::holding(future.clone()),
            function: Slot::holding(function.clone()),
            arguments: Slot::holding(arguments),
            outcome: Slot::empty(),
            failed: Cell::new(false),
            state: Cell::new(State::Waiting),
        })
    }

    /// In a thread of the executor: calls the function, and queues the answer in the loop.
    /// Gives what wakes the loop; waking it is left to the caller, who had better let go of
    /// the GIL first.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(super) fn run(&self) -> Option<Arc<Waker>> {
        if self.state.get() != State::Waiting {
            return None;
        }
        if self.is_unwanted() {
            self.end();
            return None;
        }
        self.state.set(State::Running);
        let (Some(function), Some(arguments)) = (self.function.take(), self.arguments.take())
        else {
            self.end();
            return None;
        };
        match arguments.call(&function) {
            Ok(result) => self.outcome.set(result),
            Err(raised) => {
                self.outcome.set(raised.take());
                self.failed.set(true);
            }
        }
        self.state.set(State::Answered);
        // As in CPython's threads, what the call held ends in this thread.
        drop((function, arguments));
        self.send()
    }

    /// Whether the Future was cancelled before a thread was free.
    fn is_unwanted(&self) -> bool {
        match self.future.get() {
            Some(future) => future
                .exactly::<FutureBody>()
                .is_none_or(|future| future.state() == crate::future::State::Cancelled),
            None => true,
        }
    }

    /// Queues this job in its loop, for [`deliver`]; an answer to a closed loop is dropped, as
    /// asyncio's `_chain_future` drops it.
    fn send(&self) -> Option<Arc<Waker>> {
        let event_loop = self.event_loop.get()?;
        if event_loop.attention.has(CLOSED) {
            self.end();
            return None;
        }
        let entry = Entry::Operation(self.object());
        event_loop.ready.borrow_mut().push_back(entry);
        event_loop.waker.borrow().clone()
    }

    fn end(&self) {
        self.state.set(State::Ended);
        HeapType::clear(&**self);
    }

    /// `Future.cancel()` of a job that no thread has taken yet; for `shutdown(cancel_futures=True)`.
    fn cancel(&self) -> PyResult<bool> {
        if self.state.get() != State::Waiting {
            return Ok(false);
        }
        self.state.set(State::Cancelled);
        drop((self.function.take(), self.arguments.take()));
        if let Some(waker) = self.send() {
            waker
                .wake()
                .map_err(|error| crate::interop::errors::raise_os_error(&error))?;
        }
        Ok(true)
    }
}

/// In the loop's thread: the Future gets what the call gave. Does nothing if the object is no job.
///
/// # Errors
/// `InvalidStateError` if somebody else has completed the Future.
///
/// # Reentrancy
/// May run Python code.
pub(crate) fn deliver(job: &Instance<JobBody>) -> PyResult<()> {
    let state = job.state.replace(State::Ended);
    let (future, outcome) = (job.future.take(), job.outcome.take());
    HeapType::clear(&**job);
    let Some(future) = future else {
        return Ok(());
    };
    let outcome = match (state, outcome) {
        (State::Cancelled, _) => Outcome::Cancelled,
        (State::Answered, Some(exception)) if job.failed.get() => Outcome::Exception(exception),
        (State::Answered, Some(result)) => Outcome::Result(result),
        _ => return Ok(()),
    };
    settle(&future, outcome)
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<()> {
    type J = Instance<JobBody>;
    TypeBuilder::<JobBody>::new(c"A call that waits for a thread of the executor.")
        .not_constructible()
        .methods(vec![
            without_arguments(
                c"cancel",
                c"cancel($self, /)\n--\n\nDo not call it; false if a thread has begun to.",
                J::cancel,
            ),
            without_arguments(
                c"_ready",
                c"_ready($self, /)\n--\n\nGive the answer to the Future.",
                deliver,
            ),
        ])
        .attributes(vec![readable(c"future", |this: &J| this.object())])
        .build()
        .map(drop)
}
