//! Running an entry while a recording asks what happens.
//!
//! Everything is told from outside of the step: what the entry is before it runs, and what the Task has become after it. So
//! the step itself (`crate::task`) knows nothing of recordings.

use crate::future::{FutureBody, State};
use crate::handle::{HandleBody, ThreadSafeHandleBody, TimerHandleBody};
use crate::interop::calls;
use crate::interop::errors::{PyResult, Raised, restore, take_raised};
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::attention::{DEBUG, KEEPING, RECORDING};
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::recorder::{Block, Cause, CauseKind, Event, Recorder, TaskNote, TaskRow};
use crate::loop_core::wrappers;
use crate::task::TaskBody;

use super::dispatch::run_unwatched;
use super::reported::{
    CALLBACK, Stepped, goes_on, is_lonely, note_of, run_for_report, run_step_for_report,
    step_entry, stepped, time_of_end,
};
use super::slow;

/// The loop begins to run, on a thread that may be another one than before.
pub(super) fn loop_begins(event_loop: &Instance<LoopBody>, now: u64) {
    if event_loop.attention.has(RECORDING) {
        event_loop.with_recorder(Recorder::thread_changes);
    }
    loop_runs(event_loop, now);
}

/// The loop begins to run, or has slept until `now`.
#[inline(always)]
pub(super) fn loop_runs(event_loop: &Instance<LoopBody>, now: u64) {
    if event_loop.attention.has(RECORDING) {
        event_loop.with_recorder(|recorder| {
            recorder.clock.set(now);
            recorder.boundary = now;
            recorder.look_at_delay(now);
            recorder.watch.awake(now);
        });
    }
}

/// The loop runs nothing from now on.
#[inline(always)]
pub(super) fn loop_rests(event_loop: &Instance<LoopBody>) {
    if event_loop.attention.has(RECORDING) {
        event_loop.with_recorder(|recorder| {
            recorder.watch.idle();
            recorder.running = Cause::OUTSIDE;
        });
    }
}

/// What an entry is.
struct Subject<'a> {
    /// The Task that makes a step.
    task: Option<&'a Instance<TaskBody>>,
    /// The future that wakes it.
    awaited: Option<&'a Object>,
    kind: CauseKind,
    entry: &'a Entry,
}

/// The Task that a callback steps or wakes, if it is one of the callbacks by which Tasks are driven from outside.
fn driven_task(entry: &Entry) -> Option<Object> {
    let Entry::Call { callable, .. } = entry else {
        return None;
    };
    let stepped = wrappers::stepped_task(callable).map(|(task, _)| task);
    stepped.or_else(|| wrappers::woken_task(callable))
}

impl<'a> Subject<'a> {
    fn of(entry: &'a Entry, driven: Option<&'a Object>) -> Subject<'a> {
        let mut awaited = None;
        let (task, kind) = match entry {
            Entry::Step(task) | Entry::Throw { task, .. } => (Some(task), CauseKind::Task),
            Entry::Wake { task, future } => {
                awaited = Some(future);
                (Some(task), CauseKind::Task)
            }
            Entry::Call { argument, .. } => {
                awaited = argument.as_ref().filter(|_| driven.is_some());
                (driven, CauseKind::Callback)
            }
            Entry::Readable(_) | Entry::Writable(_) | Entry::Operation(_) => {
                (None, CauseKind::Descriptor)
            }
            Entry::Run(handle) => (None, kind_of_handle(handle)),
        };
        Subject {
            task: task.and_then(|task| task.instance_of::<TaskBody>()),
            awaited,
            kind,
            entry,
        }
    }

    /// What runs, if it is no Task.
    fn callable(&self) -> Option<Object> {
        match self.entry {
            Entry::Run(handle) => handle.instance_of::<HandleBody>()?.callback.get(),
            Entry::Call { callable, .. } => Some(callable.clone()),
            Entry::Readable(object) | Entry::Writable(object) | Entry::Operation(object) => {
                Some(object.clone())
            }
            Entry::Step(_) | Entry::Throw { .. } | Entry::Wake { .. } => None,
        }
    }

    #[inline(always)]
    fn note(&self) -> Option<&'a TaskNote> {
        self.task?.note.get().map(|note| &**note)
    }

    /// The name of the Task, or the text of a callback.
    fn text(&self) -> String {
        if let Some(task) = self.task {
            return match task.name() {
                Ok(name) => values::text(&name).unwrap_or_default(),
                Err(raised) => {
                    raised.forget();
                    String::new()
                }
            };
        }
        let Some(callable) = self.callable() else {
            return "callback".to_owned();
        };
        match calls::optional_attribute(&callable, Name::Qualname.object()) {
            Ok(Some(name)) => values::text(&name).unwrap_or_default(),
            Ok(None) => crate::interop::instance::type_name(&callable),
            Err(raised) => {
                raised.forget();
                "callback".to_owned()
            }
        }
    }
}

fn kind_of_handle(handle: &Object) -> CauseKind {
    if let Some(plain) = handle.exactly::<HandleBody>() {
        return match plain.threadsafe.get() {
            true => CauseKind::Thread,
            false => CauseKind::Callback,
        };
    }
    if handle.instance_of::<TimerHandleBody>().is_some() {
        CauseKind::Timer
    } else if handle.instance_of::<ThreadSafeHandleBody>().is_some() {
        CauseKind::Thread
    } else {
        CauseKind::Callback
    }
}

/// As `run_entry`, with the recording told before and after.
///
/// # Errors
/// As `run_entry`.
#[inline]
pub(super) fn run_recorded(event_loop: &Instance<LoopBody>, entry: &Entry) -> PyResult<()> {
    tell_rest(event_loop, entry, run_for_report(event_loop, entry))
}

/// As [`run_recorded`] for a step of a Task, woken by `awaited` if by anything, while nothing but a recording looks on.
///
/// # Errors
/// As `run_entry`.
#[inline(always)]
pub(super) fn run_task_recorded(
    event_loop: &Instance<LoopBody>,
    task: Object,
    awaited: Option<Object>,
) -> PyResult<()> {
    match run_step_for_report(event_loop, &task, awaited.as_ref()) {
        Stepped::Told(outcome) => outcome,
        stepped => tell_rest(event_loop, &step_entry(task, awaited), stepped),
    }
}

/// What is left to do for an entry that did not take the short path, or not to its end.
#[inline(never)]
fn tell_rest(event_loop: &Instance<LoopBody>, entry: &Entry, stepped: Stepped) -> PyResult<()> {
    match stepped {
        Stepped::Told(outcome) => outcome,
        Stepped::Long(outcome) => {
            // What follows may run Python code, which must not see the exception that leaves the loop.
            let pending = outcome.is_err().then(take_raised).flatten();
            after(event_loop, &Subject::of(entry, None));
            match pending {
                Some(pending) => Err(restore(pending)),
                None => outcome,
            }
        }
        Stepped::Unusual => run_any_recorded(event_loop, entry),
    }
}

/// As [`run_recorded`], for every kind of entry.
#[inline(never)]
fn run_any_recorded(event_loop: &Instance<LoopBody>, entry: &Entry) -> PyResult<()> {
    let lonely = match entry {
        Entry::Step(task) | Entry::Wake { task, .. } | Entry::Throw { task, .. } => task
            .instance_of::<TaskBody>()
            .is_some_and(|body| is_lonely(task, body)),
        _ => false,
    };
    let driven = driven_task(entry);
    let subject = Subject::of(entry, driven.as_ref());
    let recording = event_loop.attention.has(RECORDING);
    if recording {
        before(event_loop, &subject, lonely);
    }
    let outcome = if event_loop.attention.has(DEBUG) {
        slow::run_timed(event_loop, entry)
    } else {
        run_unwatched(event_loop, entry)
    };
    // What follows may run Python code, which must not see the exception that leaves the loop.
    let pending = outcome.is_err().then(take_raised).flatten();
    if recording {
        after(event_loop, &subject);
    }
    if event_loop.attention.has(KEEPING)
        && let Some(task) = subject.task
        && !task.future.is_pending()
    {
        drop(task.with_object(|task| event_loop.kept_tasks.let_go(task)));
    }
    drop(driven);
    match pending {
        Some(pending) => Err(restore(pending)),
        None => outcome,
    }
}

#[inline(always)]
fn before(event_loop: &Instance<LoopBody>, subject: &Subject<'_>, lonely: bool) {
    let detail = match subject.note() {
        Some(note) if note.resting.get() != 0 => ask_what_it_waited_for(event_loop, subject, note),
        _ => 0,
    };
    event_loop.with_recorder(|recorder| {
        let start = recorder.boundary;
        recorder.begin_step(Cause {
            kind: subject.kind,
            task: subject.note().map_or(0, |note| note.id),
        });
        if let Some(note) = subject.note() {
            task_goes_on(recorder, subject, note, start, lonely, detail);
        }
    });
}

/// The recording's number for what the Task waited for; 0 if it is not asked.
fn ask_what_it_waited_for(
    event_loop: &Instance<LoopBody>,
    subject: &Subject<'_>,
    note: &TaskNote,
) -> u32 {
    let waited = event_loop.with_recorder(|recorder| recorder.hooks.waited.clone());
    let (Some(Some(waited)), Some(task)) = (waited, subject.task) else {
        return 0;
    };
    let task = task.object();
    let asked = (|| {
        let start = values::integer(note.resting.get())?;
        let end = values::integer(note.ready.get())?;
        let cause = values::string(note.cause().kind.text())?;
        let answer = calls::call(&waited, [&task, &start, &end, &cause])?;
        values::to_integer(&answer)
    })();
    match asked {
        Ok(number) => u32::try_from(number).unwrap_or(0),
        Err(raised) => {
            raised.write_unraisable(&waited);
            0
        }
    }
}

fn task_goes_on(
    recorder: &mut Recorder,
    subject: &Subject<'_>,
    note: &TaskNote,
    start: u64,
    lonely: bool,
    detail: u32,
) {
    let ready = note.ready.get();
    let target = note_of(subject.awaited);
    goes_on(recorder, note, start, target, || lonely);
    let waiting = note.resting.replace(0);
    if let Some(trace) = &mut recorder.trace {
        if waiting != 0 {
            trace.events.push(Event::Wait {
                start: waiting,
                end: ready.max(waiting),
                task: note.id,
                target: target.map_or(0, |target| target.id),
                detail,
            });
        }
        trace.events.push(Event::Wake {
            time: if ready == 0 { start } else { ready },
            task: note.id,
            cause: note.cause(),
        });
    }
    note.ready.set(0);
}

#[inline(always)]
fn after(event_loop: &Instance<LoopBody>, subject: &Subject<'_>) {
    let told = event_loop.with_recorder(|recorder| {
        let start = recorder.boundary;
        let now = time_of_end(recorder);
        recorder.step_ends(now);
        let long = recorder.was_long(start, now);
        if recorder.trace.is_some() || long {
            return Some((start, now, long));
        }
        recorder.look_at_delay(now);
        match (subject.task, subject.note()) {
            (Some(task), Some(note)) => task_stepped(recorder, task, note, start, now),
            _ => recorder.callbacks += 1,
        }
        recorder.running = CALLBACK;
        None
    });
    if let Some(Some((start, now, long))) = told {
        after_with_words(event_loop, subject, start, now, long);
    }
}

/// As [`after`], for a trace and for a step that was too long: names are asked for, which may run Python code.
#[inline(never)]
fn after_with_words(
    event_loop: &Instance<LoopBody>,
    subject: &Subject<'_>,
    start: u64,
    now: u64,
    long: bool,
) {
    let duration = now.saturating_sub(start);
    let text = if long || subject.note().is_none() {
        subject.text()
    } else {
        String::new()
    };
    let row = subject.task.and_then(|task| row_of(event_loop, task, now));
    event_loop.with_recorder(|recorder| {
        if long {
            let block = Block {
                start,
                duration,
                task: recorder.running.task,
                code: subject.note().map_or(0, |note| note.code),
                text: recorder.places.text(&text),
            };
            recorder.add_block(block);
        }
        match (subject.task, subject.note()) {
            (Some(task), Some(note)) => task_stepped(recorder, task, note, start, now),
            _ => {
                recorder.callbacks += 1;
                if let Some(trace) = &mut recorder.trace {
                    let text = recorder.places.text(&text);
                    trace.events.push(Event::Callback {
                        start,
                        duration,
                        text,
                    });
                }
            }
        }
        if let (Some(trace), Some(row)) = (&mut recorder.trace, row) {
            trace.add_row(row);
        }
        recorder.running = CALLBACK;
    });
}

fn task_stepped(
    recorder: &mut Recorder,
    task: &Instance<TaskBody>,
    note: &TaskNote,
    start: u64,
    now: u64,
) {
    if let Some(trace) = &mut recorder.trace {
        trace.events.push(Event::Step {
            start,
            duration: now.saturating_sub(start),
            task: note.id,
        });
    }
    stepped(recorder, task, note, start, now);
}

/// The Task's line in the picture, if it has just ended.
fn row_of(event_loop: &Instance<LoopBody>, task: &Instance<TaskBody>, now: u64) -> Option<TaskRow> {
    let note = task.note.get()?;
    let traced = event_loop
        .with_recorder(|recorder| recorder.trace.is_some())
        .unwrap_or(false);
    if !traced || note.over.get() {
        return None;
    }
    let future = task.base::<FutureBody>();
    let (outcome, ended) = match future.state() {
        State::Pending => return None,
        State::Cancelled => ("cancelled", now),
        State::Finished if future.has_failure() => ("failed", now),
        State::Finished => ("finished", now),
    };
    Some(make_row(task, note, outcome, ended))
}

/// The Task's line in the picture.
pub(crate) fn make_row(
    task: &Instance<TaskBody>,
    note: &TaskNote,
    outcome: &'static str,
    ended: u64,
) -> TaskRow {
    let name = task.name().unwrap_or_else(|raised: Raised| {
        raised.forget();
        Object::none()
    });
    let failed = outcome == "failed";
    let circumstances = note.circumstances.as_ref();
    TaskRow {
        id: note.id,
        name,
        code: note.code,
        created: note.created,
        stack: circumstances.map_or(0, |known| known.stack),
        parent: circumstances.map_or(0, |known| known.parent),
        ended,
        outcome,
        error: failed.then(|| task.base::<FutureBody>().shown_failure()),
    }
}
