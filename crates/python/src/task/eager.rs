//! An eager start: the first step runs on the creator's stack (asyncio's `eager_start`).

use crate::interop::errors::{PyResult, Raised, restore};
use crate::interop::instance::Instance;
use crate::loop_core::current_task;
use crate::loop_core::loop_ref::LoopRef;
use crate::loop_core::shared_context::run_in;

use super::body::TaskBody;

impl Instance<TaskBody> {
    /// Runs the first step now, as the current Task; afterwards the previous one is
    /// current again. A coroutine that ended is given up at once.
    ///
    /// # Errors
    /// `SystemExit` and `KeyboardInterrupt` out of the coroutine.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(super) fn start_eagerly(&self) -> PyResult<()> {
        let event_loop = self.future.require_loop()?;
        let this = self.object();
        let stepped = match &event_loop {
            LoopRef::Native(native) => {
                let ours = !native.current_task.is_empty();
                let previous = native.exchange_task(Some(&this))?;
                let stepped = self.advance_in_context().map_err(Raised::take);
                native.restore_task(previous, ours)?;
                stepped
            }
            LoopRef::Foreign(foreign) => {
                let previous = current_task::exchange(foreign, Some(&this))?;
                let stepped = self.advance_in_context().map_err(Raised::take);
                current_task::exchange(foreign, previous.as_ref())?;
                stepped
            }
        };
        // On 3.11, which has no eager Tasks, asyncio cannot show a Task without a coroutine.
        if !self.future.is_pending() && cfg!(Py_3_12) {
            self.coroutine.clear();
        }
        stepped.map_err(|exception| {
            self.log_destroy_pending.set(false);
            restore(exception)
        })
    }

    fn advance_in_context(&self) -> PyResult<()> {
        run_in(&self.context, || self.advance(None))?
    }
}
