//! What a recording notes when a Task is made.

use crate::interop::calls;
use crate::interop::coroutine_code::code_of_native;
use crate::interop::errors::PyResult;
use crate::interop::frames::Frame;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::spare::Spared;
use crate::loop_core::attention::{KEEPING, RECORDING};
use crate::loop_core::body::LoopBody;
use crate::loop_core::recorder::{Circumstances, Made, Origin, Recorder, TaskNote};

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
    pub(super) fn note_birth(
        &self,
        event_loop: &Instance<LoopBody>,
        coroutine: &Object,
        plain: bool,
    ) -> PyResult<()> {
        let counters = &event_loop.counters;
        counters.tasks.set(counters.tasks.get() + 1);
        if event_loop.attention.has(RECORDING | KEEPING) {
            return self.note_birth_with_care(event_loop, coroutine, plain);
        }
        Ok(())
    }

    /// The first step is made right away, by who makes the Task: whether somebody keeps it cannot be told then.
    pub(super) fn note_eager_start(&self) {
        if let Some(note) = self.note.get() {
            note.started.set(note.created);
        }
    }

    #[inline(never)]
    fn note_birth_with_care(
        &self,
        event_loop: &Instance<LoopBody>,
        coroutine: &Object,
        plain: bool,
    ) -> PyResult<()> {
        if event_loop.attention.has(KEEPING) {
            self.with_object(|task| event_loop.kept_tasks.keep(task));
        }
        if !event_loop.attention.has(RECORDING) {
            return Ok(());
        }
        let note = match note_at_known_line(event_loop, coroutine, plain) {
            Some(note) => Some(note),
            None => {
                let origin = event_loop.origin()?;
                let code = event_loop.code_number(&code_of(coroutine)?)?;
                event_loop.with_recorder(|recorder| note_of(recorder, &origin, code, plain))
            }
        };
        if let Some(note) = note {
            // A Task that is initialised a second time keeps its first note.
            let _again = self.note.set(note);
        }
        Ok(())
    }
}

/// The note of a Task that is made where others were made lately, of a coroutine function that is known.
#[inline(always)]
fn note_at_known_line(
    event_loop: &Instance<LoopBody>,
    coroutine: &Object,
    plain: bool,
) -> Option<Spared<TaskNote>> {
    let code = code_of_native(coroutine)?;
    let (line, instruction) = Frame::current_place()?;
    event_loop.with_recorder(|recorder| {
        let origin = recorder.known_origin(&line, instruction)?;
        let code = recorder.places.known_code(&code)?;
        Some(note_of(recorder, &origin, code, plain))
    })?
}

/// Counts a Task and makes its note.
#[inline(always)]
fn note_of(recorder: &mut Recorder, origin: &Origin, code: u32, plain: bool) -> Spared<TaskNote> {
    recorder.children += 1;
    let mut weight = u8::from(recorder.times_every_task());
    if let Some(site) = recorder.places.site_mut(origin.site) {
        if weight == 0 {
            weight = site.weight();
        }
        site.tasks += 1;
        site.made = code;
    }
    if let Some(stats) = recorder.places.stats(code) {
        stats.tasks += 1;
    }
    let created = match weight {
        0 => recorder.boundary,
        _ => recorder.clock.now(),
    };
    let made = match (origin.direct, plain) {
        (true, true) => Made::Plainly,
        (true, false) => Made::Directly,
        (false, _) => Made::Inside,
    };
    let circumstances = recorder
        .asks_more
        .then(|| circumstances_of(recorder, origin));
    let serial = recorder.serial as u32;
    Spared::new(|| TaskNote {
        id: next_id(),
        code,
        site: origin.site,
        born_in: serial,
        ready_by: serial.into(),
        made: made.into(),
        weight,
        at_once: false.into(),
        over: false.into(),
        circumstances,
        created,
        started: 0.into(),
        ready: created.into(),
        resting: 0.into(),
    })
}

#[inline(never)]
fn circumstances_of(recorder: &Recorder, origin: &Origin) -> Box<Circumstances> {
    Box::new(Circumstances {
        stack: origin.stack,
        parent: recorder.running.task,
        cause: recorder.running.into(),
    })
}

/// The code object that a coroutine runs; its type, if it has none.
fn code_of(coroutine: &Object) -> PyResult<Object> {
    if let Some(code) = code_of_native(coroutine) {
        return Ok(code);
    }
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
    // The GIL is held: nobody counts between the two, and neither has to lock anything.
    let next = COUNTER.load(Ordering::Relaxed).wrapping_add(1);
    COUNTER.store(next, Ordering::Relaxed);
    next
}
