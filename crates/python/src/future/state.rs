//! The transitions of a Future, and what it answers in each state.

use crate::interop::calls;
use crate::interop::errors::{
    self, Builtin, PyResult, Raised, exception_matches, raise, raise_instance,
};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::values;

use super::body::{FutureBody, State};

impl Instance<FutureBody> {
    /// PENDING → FINISHED with a result.
    ///
    /// # Errors
    /// `InvalidStateError` if it is done already; what scheduling raises.
    #[inline(always)]
    pub(crate) fn set_result(&self, result: Object) -> PyResult<()> {
        if !self.is_pending() {
            return Err(invalid_state("invalid state"));
        }
        drop(self.outcome.replace(Some(result)));
        self.state.set(State::Finished);
        self.schedule_callbacks()
    }

    /// PENDING → FINISHED with an exception, given as instance or class.
    ///
    /// # Errors
    /// `InvalidStateError` if it is done already; `TypeError` if it is no exception;
    /// for `StopIteration` `TypeError` or, from 3.11.8, 3.12.2 and 3.13 on, `RuntimeError`.
    pub(crate) fn set_exception(&self, exception: &Object) -> PyResult<()> {
        if !self.is_pending() {
            return Err(invalid_state("invalid state"));
        }
        let exception = if errors::is_exception_class(exception) {
            let made = calls::call(exception, [])?;
            if !self.is_pending() {
                return Err(invalid_state("invalid state"));
            }
            made
        } else {
            exception.clone()
        };
        if !errors::is_exception_instance(&exception) {
            return Err(Builtin::TypeError.raise("invalid exception object"));
        }
        let exception = refuse_stop_iteration(exception)?;
        let traceback = errors::traceback(&exception);
        drop(self.outcome.replace(Some(exception)));
        if let Some(traceback) = traceback {
            drop(self.change_rare(|rare| rare.exception_traceback.replace(traceback)));
        }
        self.failed.set(true);
        self.state.set(State::Finished);
        self.schedule_callbacks()?;
        self.log_traceback.set(true);
        Ok(())
    }

    /// PENDING → CANCELLED; `false` if it is done already.
    ///
    /// # Errors
    /// What scheduling raises.
    pub(crate) fn set_cancelled(&self, message: Option<Object>) -> PyResult<bool> {
        self.log_traceback.set(false);
        if !self.is_pending() {
            return Ok(false);
        }
        self.state.set(State::Cancelled);
        self.set_cancel_message(message);
        self.schedule_callbacks()?;
        Ok(true)
    }

    /// `result()`
    ///
    /// # Errors
    /// The exception of the Future, `CancelledError`, or `InvalidStateError` if pending.
    #[inline(always)]
    pub(crate) fn result(&self) -> PyResult<Object> {
        if self.state.get() == State::Finished && !self.failed.get() {
            return Ok(self.outcome.get_or_none());
        }
        Err(self.failure("Result is not set."))
    }

    /// Raises what `result()` raises.
    #[cold]
    fn failure(&self, while_pending: &str) -> Raised {
        match self.take_failure(while_pending) {
            Ok(exception) => raise_instance(&exception),
            Err(raised) => raised,
        }
    }

    /// The exception to throw into whoever awaits this Future, which failed or was
    /// cancelled; the exception counts as retrieved.
    ///
    /// # Errors
    /// `InvalidStateError` if pending or without an exception.
    pub(crate) fn take_failure(&self, while_pending: &str) -> PyResult<Object> {
        match self.state.get() {
            State::Pending => Err(invalid_state(while_pending)),
            State::Cancelled => self.make_cancelled_error(),
            State::Finished => match self.failed.get().then(|| self.exception_with_traceback()) {
                Some(Some(exception)) => Ok(exception),
                _ => Err(invalid_state("no exception")),
            },
        }
    }

    /// Whether it was cancelled.
    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.state.get() == State::Cancelled
    }

    /// Whether it failed or was cancelled.
    #[inline(always)]
    pub(crate) fn has_failure(&self) -> bool {
        self.failed.get() || self.state.get() == State::Cancelled
    }

    /// The exception of a failed Future as a text of at most 200 characters; nobody is taken to have retrieved it.
    ///
    /// # Reentrancy
    /// Runs the exception's `__repr__`.
    pub(crate) fn shown_failure(&self) -> String {
        let text = self.outcome.get().as_ref().map(values::repr);
        text.unwrap_or_default().chars().take(200).collect()
    }

    /// `exception()`
    ///
    /// # Errors
    /// `CancelledError`, or `InvalidStateError` if pending.
    pub(crate) fn exception(&self) -> PyResult<Object> {
        match self.state.get() {
            State::Pending => Err(invalid_state("Exception is not set.")),
            State::Cancelled => Err(self.failure("")),
            State::Finished if !self.failed.get() => {
                self.log_traceback.set(false);
                Ok(Object::none())
            }
            State::Finished => {
                self.log_traceback.set(false);
                Ok(self.outcome.get_or_none())
            }
        }
    }

    /// The exception, its traceback set back to what it was when it was set: each await
    /// adds its own frames anew.
    fn exception_with_traceback(&self) -> Option<Object> {
        self.log_traceback.set(false);
        let exception = self.outcome.get()?;
        let traceback = match self.look_at_rare(|rare| rare.exception_traceback.is_some()) {
            Some(true) => self.change_rare(|rare| rare.exception_traceback.take()),
            _ => None,
        };
        errors::set_traceback(&exception, &traceback.unwrap_or_else(Object::none));
        Some(exception)
    }

    /// The `CancelledError` of this Future: the very one that ended the coroutine, once; after
    /// that new ones with the same message.
    ///
    /// # Errors
    /// What the constructor raises.
    pub(crate) fn make_cancelled_error(&self) -> PyResult<Object> {
        let kept = self.look_at_rare(|rare| rare.cancelled_error.is_some());
        if kept == Some(true)
            && let Some(error) = self.change_rare(|rare| rare.cancelled_error.take())
        {
            return Ok(error);
        }
        let class = &imports().cancelled_error;
        match self.cancel_message() {
            Some(message) if !message.is_none() => calls::call(class, [&message]),
            _ => calls::call(class, []),
        }
    }

    /// Keeps the `CancelledError` that ended the coroutine.
    pub(crate) fn keep_cancelled_error(&self, error: Object) {
        drop(self.change_rare(|rare| rare.cancelled_error.replace(error)));
    }

    pub(crate) fn cancel_message(&self) -> Option<Object> {
        self.look_at_rare(|rare| rare.cancel_message.clone())
            .flatten()
    }

    pub(crate) fn set_cancel_message(&self, message: Option<Object>) {
        let present = self.look_at_rare(|rare| rare.cancel_message.is_some()) == Some(true);
        if message.is_some() || present {
            drop(self.change_rare(|rare| std::mem::replace(&mut rare.cancel_message, message)));
        }
    }

    /// `_state`
    pub(super) fn state_text(&self) -> PyResult<Object> {
        values::string(match self.state.get() {
            State::Pending => "PENDING",
            State::Cancelled => "CANCELLED",
            State::Finished => "FINISHED",
        })
    }
}

/// `StopIteration` would end the awaiting coroutine silently, so it is refused (PEP 479).
fn refuse_stop_iteration(exception: Object) -> PyResult<Object> {
    let class = Builtin::StopIteration.class();
    let text = "StopIteration interacts badly with generators and cannot be raised into a Future";
    if imports().converts_stop_iteration {
        if !exception_matches(&exception, &class) {
            return Ok(exception);
        }
        let message = values::string(text)?;
        let replacement = calls::call(&Builtin::RuntimeError.class(), [&message])?;
        errors::set_cause(&replacement, &exception);
        return Ok(replacement);
    }
    if exception.is_exactly(&class) {
        return Err(Builtin::TypeError.raise(text));
    }
    Ok(exception)
}

/// Raises `asyncio.InvalidStateError`.
#[cold]
pub(crate) fn invalid_state(message: &str) -> Raised {
    raise(&imports().invalid_state_error, message)
}
