//! What a recording notes when a Task is made.

use tepal_core::monotonic_ns;

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::loop_core::attention::{KEEPING, RECORDING};
use crate::loop_core::body::LoopBody;
use crate::loop_core::recorder::{Cause, TaskNote};

use super::body::TaskBody;

impl Instance<TaskBody> {
    /// Counts the Task, and notes where it was made if a recording runs. `plain`: without a name, a context, an eager start.
    ///
    /// # Errors
    /// What the recording's Python code raises, and what a foreign coroutine's attributes do.
    ///
    /// # Reentrancy
    /// Runs the recording's Python code.
    #[inline(always)]
    pub(super) fn note_birth(&self, event_loop: &Instance<LoopBody>, plain: bool) -> PyResult<()> {
        let counters = &event_loop.counters;
        counters.tasks.set(counters.tasks.get() + 1);
        if event_loop.attention.has(RECORDING | KEEPING) {
            return self.note_birth_with_care(event_loop, plain);
        }
        Ok(())
    }

    #[inline(never)]
    fn note_birth_with_care(&self, event_loop: &Instance<LoopBody>, plain: bool) -> PyResult<()> {
        if event_loop.attention.has(KEEPING) {
            self.with_object(|task| event_loop.kept_tasks.keep(task));
        }
        if !event_loop.attention.has(RECORDING) {
            return Ok(());
        }
        let created = monotonic_ns();
        let origin = event_loop.origin()?;
        let code = event_loop.code_number(&code_of(&self.require_coroutine()?)?)?;
        event_loop.with_recorder(|recorder| {
            recorder.children += 1;
            if let Some(site) = recorder.places.site_mut(origin.site) {
                site.tasks += 1;
                site.made = code;
            }
            if let Some(stats) = recorder.places.stats(code) {
                stats.tasks += 1;
            }
            let note = TaskNote {
                id: next_id(),
                code,
                site: origin.site,
                stack: origin.stack,
                parent: recorder.running.task,
                born_in: recorder.serial,
                created,
                direct: origin.direct,
                plain: plain.into(),
                at_once: false.into(),
                started: 0.into(),
                ended: 0.into(),
                ready: created.into(),
                ready_by: recorder.serial.into(),
                cause: Cause::OUTSIDE.into(),
                waiting: 0.into(),
            };
            // A Task that is initialised a second time keeps its first note.
            let _again = self.note.set(Box::new(note));
        });
        Ok(())
    }
}

/// The code object that a coroutine runs; its type, if it has none.
fn code_of(coroutine: &Object) -> PyResult<Object> {
    for name in [Name::CrCode, Name::GiCode] {
        if let Some(code) = calls::optional_attribute(coroutine, name.object())? {
            return Ok(code);
        }
    }
    Ok(coroutine.kind())
}

/// The next number of a Task; the counter is the process's, so that recordings of several loops can be put together.
fn next_id() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    COUNTER.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
}
