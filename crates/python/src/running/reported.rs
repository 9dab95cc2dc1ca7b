//! A step of a Task, or a callback, while a report is made: the usual case of [`super::recorded`], with nothing looked at twice.
//!
//! It is for loops whose steps nobody but the recorder looks at: no picture, no question what a Task waited for, no debug mode.

use tepal_core::monotonic_ns;

use crate::interop::errors::{PyResult, Raised};
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::loop_core::attention::{DEBUG, KEEPING, RECORDING};
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::recorder::{Cause, CauseKind, Made, Recorder, TaskNote};
use crate::loop_core::wrappers;
use crate::task::{TaskBody, run_step, run_wake};

use super::dispatch::{report_failure, run_now};

/// What runs besides Tasks.
pub(super) const CALLBACK: Cause = Cause {
    kind: CauseKind::Callback,
    task: 0,
};

/// The note of an awaited Task of ours.
#[inline(always)]
pub(super) fn note_of(awaited: Option<&Object>) -> Option<&TaskNote> {
    let awaited = awaited?;
    let task = match awaited.exactly::<TaskBody>() {
        Some(task) => task,
        None => awaited.instance_of::<TaskBody>()?,
    };
    task.note.get().map(|note| &**note)
}

/// Whether the queue's own reference to the Task is the only one. Who cancels it has known it, and lets it end.
#[inline(always)]
pub(super) fn is_lonely(object: &Object, task: &Instance<TaskBody>) -> bool {
    object.reference_count() == 1 && !task.is_about_to_be_cancelled()
}

/// What came of an entry.
pub(super) enum Stepped {
    /// It ran, and all is told.
    Told(PyResult<()>),
    /// It ran for so long that more is to be told.
    Long(PyResult<()>),
    /// It is not such a step: nothing ran.
    Unusual,
}

/// Runs the entry if it is a step of a Task of exactly our type, or nothing that drives a Task.
///
/// # Errors
/// As `run_entry`.
#[inline(always)]
pub(super) fn run_for_report(event_loop: &Instance<LoopBody>, entry: &Entry) -> Stepped {
    if event_loop.attention.has(DEBUG | KEEPING) || !event_loop.attention.has(RECORDING) {
        return Stepped::Unusual;
    }
    let (object, awaited) = match entry {
        Entry::Step(task) => (task, None),
        Entry::Wake { task, future } => (task, Some(future)),
        Entry::Throw { .. } => return Stepped::Unusual,
        Entry::Call { callable, .. } if wrappers::drives_task(callable) => {
            return Stepped::Unusual;
        }
        _ => return run_callback_for_report(event_loop, entry),
    };
    run_step_for_report(event_loop, object, awaited)
}

/// The entry of a step, woken by `awaited` if by anything.
pub(super) fn step_entry(task: Object, awaited: Option<Object>) -> Entry {
    match awaited {
        Some(future) => Entry::Wake { task, future },
        None => Entry::Step(task),
    }
}

#[cold]
#[inline(never)]
fn report_step(
    event_loop: &Instance<LoopBody>,
    task: &Object,
    awaited: Option<&Object>,
    raised: Raised,
) -> PyResult<()> {
    let entry = step_entry(task.clone(), awaited.cloned());
    report_failure(event_loop, &entry, Err(raised))
}

/// A step of a Task of exactly our type, woken by `awaited` if by anything.
#[inline(always)]
pub(super) fn run_step_for_report(
    event_loop: &Instance<LoopBody>,
    object: &Object,
    awaited: Option<&Object>,
) -> Stepped {
    let Some(task) = object.exactly::<TaskBody>() else {
        return Stepped::Unusual;
    };
    let Some(note) = task.note.get() else {
        return Stepped::Unusual;
    };
    // Not `with_recorder()`, whose argument would be called here and not inlined.
    {
        let mut borrowed = event_loop.recorder.borrow_mut();
        match borrowed.as_deref_mut() {
            Some(recorder) if !recorder.asks_more => {
                begin(recorder, note, awaited, || is_lonely(object, task));
            }
            _ => return Stepped::Unusual,
        }
    }
    let ran = match awaited {
        Some(future) => run_wake(event_loop, task, future),
        None => run_step(event_loop, task, None),
    };
    let outcome = match ran {
        Ok(()) => Ok(()),
        Err(raised) => report_step(event_loop, object, awaited, raised),
    };
    let mut borrowed = event_loop.recorder.borrow_mut();
    let told = match borrowed.as_deref_mut() {
        Some(recorder) => end(recorder, task, note),
        None => true,
    };
    if told {
        Stepped::Told(outcome)
    } else {
        Stepped::Long(outcome)
    }
}

#[inline(never)]
fn run_callback_for_report(event_loop: &Instance<LoopBody>, entry: &Entry) -> Stepped {
    let begun = event_loop.with_recorder(|recorder| {
        if recorder.asks_more {
            return false;
        }
        recorder.begin_step(CALLBACK);
        true
    });
    if begun != Some(true) {
        return Stepped::Unusual;
    }
    let outcome = run_now(event_loop, entry);
    let told = event_loop.with_recorder(|recorder| {
        let ended = ends_in_time(recorder);
        if ended.is_some() {
            recorder.callbacks += 1;
        }
        ended.is_some()
    });
    match told {
        Some(false) => Stepped::Long(outcome),
        _ => Stepped::Told(outcome),
    }
}

#[inline(always)]
fn begin(
    recorder: &mut Recorder,
    note: &TaskNote,
    awaited: Option<&Object>,
    lonely: impl FnOnce() -> bool,
) {
    let start = recorder.boundary;
    recorder.begin_step(Cause {
        kind: CauseKind::Task,
        task: note.id,
    });
    goes_on(recorder, note, start, note_of(awaited), lonely);
    note.resting.set(0);
    note.ready.set(0);
}

/// A Task goes on: how long it was ready, whether it has awaited a Task at once (`target`), whether nobody keeps it
/// (`lonely`, asked before the first step).
#[inline(always)]
pub(super) fn goes_on(
    recorder: &mut Recorder,
    note: &TaskNote,
    start: u64,
    target: Option<&TaskNote>,
    lonely: impl FnOnce() -> bool,
) {
    if note.ready.get() != 0 {
        let delay = start.saturating_sub(recorder.ready_since(note));
        recorder.count_delay(note.code, delay);
    }
    if note.started.get() == 0 {
        note.started.set(start);
        if note.made.get().directly()
            && lonely()
            && let Some(site) = recorder.places.site_mut(note.site)
        {
            site.count_dropped(note.id);
        }
    }
    if let Some(child) = target
        && child.at_once.replace(false)
        && child.over.get()
    {
        let whole = start.saturating_sub(child.created);
        let own = child.resting.get().saturating_sub(child.started.get());
        if let Some(site) = recorder.places.site_mut(child.site) {
            site.count_at_once(child.id, child.weight, whole.saturating_sub(own));
        }
    }
}

/// When what runs ends, if it was not a long one: nothing is noted then.
#[inline(always)]
fn ends_in_time(recorder: &mut Recorder) -> Option<u64> {
    let now = recorder.clock.now();
    if now.saturating_sub(recorder.boundary) >= recorder.threshold {
        return None;
    }
    recorder.step_ends(now);
    recorder.look_at_delay(now);
    recorder.running = CALLBACK;
    Some(now)
}

/// `false` if the step was a long one.
#[inline(always)]
fn end(recorder: &mut Recorder, task: &Instance<TaskBody>, note: &TaskNote) -> bool {
    let start = recorder.boundary;
    let Some(now) = ends_in_time(recorder) else {
        return false;
    };
    stepped(recorder, task, note, start, now);
    true
}

/// What a step has made of its Task.
#[inline(always)]
pub(super) fn stepped(
    recorder: &mut Recorder,
    task: &Instance<TaskBody>,
    note: &TaskNote,
    start: u64,
    now: u64,
) {
    recorder.count_step(note.code, now.saturating_sub(start));
    if !task.future.is_pending() {
        note.over.set(true);
        note.resting.set(now);
        return;
    }
    if !task.is_waiting() {
        note.ready.set(now);
        return;
    }
    note.resting.set(now);
    if note.ready.get() != 0 {
        // Woken already, by a future that was done when the step looked at it.
        note.ready.set(now);
    }
    if recorder.children == 1
        && let Some(awaited) = task.waits_for()
        && let Some(child) = note_of(Some(&awaited))
        && child.born_in == recorder.serial as u32
        && child.made.get() == Made::Plainly
    {
        child.at_once.set(true);
    }
}

/// When the step that runs ends, by the real clock if it was a long one: what a finding says is not left to the cheap one.
#[inline(always)]
pub(super) fn time_of_end(recorder: &mut Recorder) -> u64 {
    let now = recorder.clock.now();
    if now.saturating_sub(recorder.boundary) < recorder.threshold {
        return now;
    }
    let now = monotonic_ns();
    recorder.clock.set(now);
    now
}
