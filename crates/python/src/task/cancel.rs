//! Cancellation.

use crate::future::FutureBody;
use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::object::Object;

use super::body::TaskBody;

impl Instance<TaskBody> {
    /// `cancel(msg)`: asks the coroutine to end; `false` if it has ended already.
    ///
    /// # Errors
    /// What the `cancel` of the awaited future raises.
    ///
    /// # Reentrancy
    /// Runs the `cancel` of a foreign future.
    pub(super) fn cancel(&self, message: Option<Object>) -> PyResult<bool> {
        self.future.log_traceback.set(false);
        if !self.future.is_pending() {
            return Ok(false);
        }
        self.cancel_requests.set(self.cancel_requests.get() + 1);
        if let Some(awaited) = self.fut_waiter.get() {
            let accepted = match awaited.exactly::<FutureBody>() {
                Some(future) if !future.has_attributes() => {
                    future.set_cancelled(message.clone())?
                }
                _ => cancel_any(&awaited, message.as_ref())?,
            };
            if accepted {
                // The Task goes on with the CancelledError when the future wakes it.
                return Ok(true);
            }
        }
        self.must_cancel.set(true);
        self.base::<FutureBody>().set_cancel_message(message);
        Ok(true)
    }

    /// `uncancel()`: takes one request back; gives how many are left.
    pub(super) fn uncancel(&self) -> u64 {
        let requests = self.cancel_requests.get();
        if requests > 0 {
            self.cancel_requests.set(requests - 1);
            if cfg!(Py_3_13) && requests == 1 {
                self.must_cancel.set(false);
            }
        }
        u64::from(self.cancel_requests.get())
    }
}

fn cancel_any(awaited: &Object, message: Option<&Object>) -> PyResult<bool> {
    match awaited.exactly::<TaskBody>() {
        // Tasks that wait for each other would go round for ever: RecursionError, as from asyncio's.
        Some(task) if !task.future.has_attributes() => {
            calls::deeper(c" while cancelling a Task", || {
                task.cancel(message.cloned())
            })
        }
        _ => Instance::<FutureBody>::cancel_by_method(awaited, message),
    }
}
