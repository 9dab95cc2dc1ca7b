//! One step of a Task: resume the coroutine, look what it did.

use crate::future::{FutureBody, GatheringBody};
use crate::interop::calls;
use crate::interop::coroutines::{Resumed, resume, throw};
use crate::interop::errors::{PyResult, exception_matches};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::loop_ref::LoopRef;
use crate::loop_core::shared_context::{own_context, run_in};
use crate::loop_core::wrappers::{self, Driver};

use super::body::TaskBody;

/// Runs one step out of the ready queue of `event_loop`, the Task's own loop.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt` out of the coroutine, which leave the loop; and what
/// goes wrong around the step, which the loop reports.
///
/// # Reentrancy
/// Runs any Python code.
#[inline(always)]
pub(crate) fn run_step(
    event_loop: &Instance<LoopBody>,
    task: &Instance<TaskBody>,
    exception: Option<Object>,
) -> PyResult<()> {
    task.with_object(|task| event_loop.publish_task(task))?;
    run_in(&task.context, || task.advance(exception))?
}

/// Runs the step that follows the end of `future`.
///
/// # Errors
/// As [`run_step`].
#[inline(always)]
pub(crate) fn run_wake(
    event_loop: &Instance<LoopBody>,
    task: &Instance<TaskBody>,
    future: &Object,
) -> PyResult<()> {
    if native_future(future).is_none() {
        return run_foreign_wake(event_loop, task, future);
    }
    let failure = failure_of(future);
    run_step(event_loop, task, failure)
}

/// As [`run_wake`]; `future.result()` may be anybody's: it runs in the Task's context, but outside of the Task.
#[inline(never)]
fn run_foreign_wake(
    event_loop: &Instance<LoopBody>,
    task: &Instance<TaskBody>,
    future: &Object,
) -> PyResult<()> {
    event_loop.retract_task();
    run_in(&task.context, || {
        let failure = failure_of(future);
        task.with_object(|task| event_loop.publish_task(task))?;
        task.advance(failure)
    })?
}

/// A Future or Task of ours whose methods nobody can have replaced.
#[inline(always)]
fn native_future(future: &Object) -> Option<&Instance<FutureBody>> {
    match future.exactly::<TaskBody>() {
        Some(task) => Some(task.base::<FutureBody>()),
        None => match future.exactly::<FutureBody>() {
            Some(future) => Some(future),
            None => future.exactly::<GatheringBody>().map(Instance::base),
        },
    }
}

/// The exception that a finished future hands to whoever awaits it.
#[inline(always)]
fn failure_of(future: &Object) -> Option<Object> {
    if let Some(ours) = native_future(future) {
        if !ours.has_failure() && !ours.is_pending() {
            return None;
        }
        return Some(match ours.take_failure("Result is not set.") {
            Ok(exception) => exception,
            Err(raised) => raised.take(),
        });
    }
    match calls::call_method(Name::Result, [future]) {
        Ok(_result) => None,
        Err(raised) => Some(raised.take()),
    }
}

/// Tells the loop layer how a Task is driven from outside.
pub(crate) fn install_driver() {
    wrappers::install(Driver {
        step: |task, exception| match task.instance_of::<TaskBody>() {
            Some(task) => task.step_from_outside(exception),
            None => Ok(()),
        },
        wake: |task, future| match task.instance_of::<TaskBody>() {
            Some(task) => task.step_from_outside(failure_of(future)),
            None => Ok(()),
        },
        context: |task| match task.instance_of::<TaskBody>() {
            Some(task) => own_context(&task.context),
            None => Ok(None),
        },
        note: |task| {
            let task = task.instance_of::<TaskBody>()?;
            task.note.get().map(|note| &**note)
        },
    });
}

impl Instance<TaskBody> {
    /// A step whose caller (a Handle) has entered the context already.
    fn step_from_outside(&self, exception: Option<Object>) -> PyResult<()> {
        self.require_coroutine()?;
        let event_loop = self.future.require_loop()?.object();
        self.with_object(|task| calls::call(&imports().enter_task, [&event_loop, task]))?;
        let stepped = self.advance(exception);
        let left = {
            // `_leave_task` must run although an exception is on its way.
            let pending = crate::interop::errors::take_raised();
            let left =
                self.with_object(|task| calls::call(&imports().leave_task, [&event_loop, task]));
            match (pending, left) {
                (Some(pending), Ok(_)) => {
                    let _raised = crate::interop::errors::restore(pending);
                    Ok(())
                }
                (_, left) => left.map(drop),
            }
        };
        stepped.and(left)
    }

    /// The step itself, inside the Task's context and published as current.
    ///
    /// # Errors
    /// `InvalidStateError` if the Task is done; `SystemExit` and `KeyboardInterrupt`.
    #[inline(always)]
    pub(super) fn advance(&self, exception: Option<Object>) -> PyResult<()> {
        let mut exception = exception;
        if !self.future.is_pending() {
            return Err(self.already_done(exception));
        }
        if self.must_cancel.get() {
            exception = Some(self.cancellation(exception)?);
            self.must_cancel.set(false);
        }
        drop(self.fut_waiter.take());
        let coroutine = self.require_coroutine()?;
        let resumed = match &exception {
            None => resume(&coroutine),
            Some(exception) => throw(&coroutine, exception),
        };
        match resumed {
            Resumed::Yielded(value) => self.yielded(value),
            Resumed::Returned(value) => self.returned(value),
            Resumed::Raised(error) => self.raised(error),
        }
    }

    /// The `CancelledError` to throw for a pending request; one that is on its way already
    /// is kept.
    #[cold]
    fn cancellation(&self, exception: Option<Object>) -> PyResult<Object> {
        match exception {
            Some(error) if exception_matches(&error, &imports().cancelled_error) => Ok(error),
            _ => self.base::<FutureBody>().make_cancelled_error(),
        }
    }

    #[cold]
    fn already_done(&self, exception: Option<Object>) -> crate::interop::errors::Raised {
        let task = self.with_object(values::repr);
        let exception = exception.as_ref().map_or("None".to_owned(), values::repr);
        let message = format!("__step(): already done: {task}, {exception}");
        crate::interop::errors::raise(&imports().invalid_state_error, &message)
    }

    /// Whether `event_loop` is the loop of this Task.
    #[inline(always)]
    pub(super) fn is_on(&self, event_loop: &LoopRef) -> bool {
        self.future
            .event_loop
            .get()
            .is_some_and(|mine| mine.is(event_loop))
    }
}
