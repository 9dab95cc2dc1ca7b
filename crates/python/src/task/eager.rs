//! An eager start: the first step runs on the creator's stack (asyncio's `eager_start`).

use crate::interop::errors::PyResult;
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
                let stepped = self.advance_in_context();
                native.restore_task(previous, ours)?;
                stepped
            }
            LoopRef::Foreign(foreign) => {
                let previous = current_task::exchange(foreign, Some(&this))?;
                let stepped = self.advance_in_context();
                current_task::exchange(foreign, previous.as_ref())?;
                stepped
            }
        };
        if !self.future.is_pending() {
            self.coroutine.clear();
        }
        if stepped.is_err() {
            self.log_destroy_pending.set(false);
        }
        stepped
    }

    fn advance_in_context(&self) -> PyResult<()> {
        run_in(&self.context, || self.advance(None))?
    }
}
