//! Running an entry while a recording asks what happens.
//!
//! Everything is told from outside of the step: what the entry is before it runs, and what the Task has become after it. So
//! the step itself (`crate::task`) knows nothing of recordings.

use tepal_core::monotonic_ns;

use crate::future::{FutureBody, State};
use crate::handle::{HandleBody, ThreadSafeHandleBody, TimerHandleBody};
use crate::interop::calls;
use crate::interop::errors::{PyResult, Raised, restore, take_raised};
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::attention::{DEBUG, RECORDING};
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::recorder::{Block, Cause, CauseKind, Event, Recorder, TaskNote, TaskRow};
use crate::loop_core::wrappers;
use crate::task::TaskBody;

use super::dispatch::run_now;
use super::slow;

/// The loop begins to run, or has slept until `now`.
#[inline(always)]
pub(super) fn loop_runs(event_loop: &Instance<LoopBody>, now: u64) {
    if event_loop.attention.has(RECORDING) {
        event_loop.with_recorder(|recorder| {
            recorder.boundary = now;
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
struct Subject {
    /// The Task that makes a step.
    task: Option<Object>,
    /// The future that wakes it.
    awaited: Option<Object>,
    kind: CauseKind,
    /// What runs, if it is no Task.
    callable: Option<Object>,
}

impl Subject {
    fn of(entry: &Entry) -> Subject {
        let (mut awaited, mut callable) = (None, None);
        let (task, kind) = match entry {
            Entry::Step(task) | Entry::Throw { task, .. } => (Some(task.clone()), CauseKind::Task),
            Entry::Wake { task, future } => {
                awaited = Some(future.clone());
                (Some(task.clone()), CauseKind::Task)
            }
            Entry::Call {
                callable: called,
                argument,
                ..
            } => {
                let stepped = wrappers::stepped_task(called).map(|(task, _)| task);
                let task = stepped.or_else(|| wrappers::woken_task(called));
                if task.is_some() {
                    awaited = argument.clone();
                } else {
                    callable = Some(called.clone());
                }
                (task, CauseKind::Callback)
            }
            Entry::Readable(object) | Entry::Writable(object) | Entry::Operation(object) => {
                callable = Some(object.clone());
                (None, CauseKind::Descriptor)
            }
            Entry::Run(handle) => {
                callable = handle
                    .instance_of::<HandleBody>()
                    .and_then(|handle| handle.callback.get());
                (None, kind_of_handle(handle))
            }
        };
        let task = task.filter(|task| task.instance_of::<TaskBody>().is_some());
        Subject {
            task,
            awaited,
            kind,
            callable,
        }
    }

    fn body(&self) -> Option<&Instance<TaskBody>> {
        self.task.as_ref()?.instance_of::<TaskBody>()
    }

    fn note(&self) -> Option<&TaskNote> {
        self.body()?.note.get().map(|note| &**note)
    }

    /// The name of the Task, or the text of a callback.
    fn text(&self) -> String {
        if let Some(task) = self.body() {
            return match task.name() {
                Ok(name) => values::text(&name).unwrap_or_default(),
                Err(raised) => {
                    raised.forget();
                    String::new()
                }
            };
        }
        let Some(callable) = &self.callable else {
            return "callback".to_owned();
        };
        match calls::optional_attribute(callable, Name::Qualname.object()) {
            Ok(Some(name)) => values::text(&name).unwrap_or_default(),
            Ok(None) => crate::interop::instance::type_name(callable),
            Err(raised) => {
                raised.forget();
                "callback".to_owned()
            }
        }
    }
}

fn kind_of_handle(handle: &Object) -> CauseKind {
    if handle.instance_of::<TimerHandleBody>().is_some() {
        CauseKind::Timer
    } else if handle.instance_of::<ThreadSafeHandleBody>().is_some()
        || handle
            .instance_of::<HandleBody>()
            .is_some_and(|handle| handle.threadsafe.get())
    {
        CauseKind::Thread
    } else {
        CauseKind::Callback
    }
}

/// As `run_entry`, with the recording told before and after.
///
/// # Errors
/// As `run_entry`.
pub(super) fn run_recorded(event_loop: &Instance<LoopBody>, entry: Entry) -> PyResult<()> {
    // The queue's own reference is the only one, and nobody has run the Task yet.
    let lonely = match &entry {
        Entry::Step(task) | Entry::Wake { task, .. } | Entry::Throw { task, .. } => {
            task.reference_count() == 1
        }
        _ => false,
    };
    let subject = Subject::of(&entry);
    let recording = event_loop.attention.has(RECORDING);
    if recording {
        before(event_loop, &subject, lonely);
    }
    let outcome = if event_loop.attention.has(DEBUG) {
        slow::run_timed(event_loop, entry)
    } else {
        run_now(event_loop, entry)
    };
    // What follows may run Python code, which must not see the exception that leaves the loop.
    let pending = outcome.is_err().then(take_raised).flatten();
    if recording {
        after(event_loop, &subject);
    }
    let ended = subject.body().is_some_and(|task| !task.future.is_pending());
    if ended && let Some(task) = &subject.task {
        drop(event_loop.kept_tasks.let_go(task));
    }
    drop(subject);
    match pending {
        Some(pending) => Err(restore(pending)),
        None => outcome,
    }
}

fn before(event_loop: &Instance<LoopBody>, subject: &Subject, lonely: bool) {
    let detail = match subject.note() {
        Some(note) => ask_what_it_waited_for(event_loop, subject, note),
        None => 0,
    };
    event_loop.with_recorder(|recorder| {
        let start = recorder.boundary;
        recorder.serial += 1;
        recorder.children = 0;
        recorder.running = Cause {
            kind: subject.kind,
            task: subject.note().map_or(0, |note| note.id),
        };
        recorder.watch.step(start);
        if let Some(note) = subject.note() {
            task_goes_on(recorder, subject, note, start, lonely, detail);
        }
    });
}

/// The recording's number for what the Task waited for; 0 if it is not asked.
fn ask_what_it_waited_for(
    event_loop: &Instance<LoopBody>,
    subject: &Subject,
    note: &TaskNote,
) -> u32 {
    if note.waiting.get() == 0 {
        return 0;
    }
    let waited = event_loop.with_recorder(|recorder| recorder.hooks.waited.clone());
    let (Some(Some(waited)), Some(task)) = (waited, &subject.task) else {
        return 0;
    };
    let asked = (|| {
        let start = values::integer(note.waiting.get())?;
        let end = values::integer(note.ready.get())?;
        let cause = values::string(note.cause.get().kind.text())?;
        let answer = calls::call(&waited, [task, &start, &end, &cause])?;
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

/// The note of an awaited Task of ours.
fn note_of(awaited: Option<&Object>) -> Option<&TaskNote> {
    let task = awaited?.instance_of::<TaskBody>()?;
    task.note.get().map(|note| &**note)
}

fn task_goes_on(
    recorder: &mut Recorder,
    subject: &Subject,
    note: &TaskNote,
    start: u64,
    lonely: bool,
    detail: u32,
) {
    let ready = note.ready.get();
    let delay = if ready == 0 {
        0
    } else {
        start.saturating_sub(ready)
    };
    if delay > recorder.longest_delay {
        recorder.longest_delay = delay;
        recorder.longest_delay_code = note.code;
    }
    if let Some(stats) = recorder.places.stats(note.code) {
        stats.longest_delay = stats.longest_delay.max(delay);
    }
    if note.started.get() == 0 {
        note.started.set(start);
        if lonely
            && note.direct
            && let Some(site) = recorder.places.site_mut(note.site)
        {
            site.count_dropped(note.id);
        }
    }
    let target = note_of(subject.awaited.as_ref());
    if let Some(child) = target
        && child.at_once.replace(false)
        && child.ended.get() != 0
    {
        let whole = start.saturating_sub(child.created);
        let own = child.ended.get().saturating_sub(child.started.get());
        if let Some(site) = recorder.places.site_mut(child.site) {
            site.count_at_once(child.id, whole.saturating_sub(own));
        }
    }
    let waiting = note.waiting.replace(0);
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
            cause: note.cause.get(),
        });
    }
    note.ready.set(0);
}

fn after(event_loop: &Instance<LoopBody>, subject: &Subject) {
    let now = monotonic_ns();
    let (start, wants_text) = event_loop
        .with_recorder(|recorder| {
            let start = recorder.boundary;
            recorder.boundary = now;
            let long = now.saturating_sub(start) >= recorder.threshold;
            let callback = recorder.trace.is_some() && subject.note().is_none();
            (start, long || callback)
        })
        .unwrap_or((now, false));
    let text = if wants_text {
        subject.text()
    } else {
        String::new()
    };
    let row = subject
        .body()
        .and_then(|task| row_of(event_loop, task, now));
    event_loop.with_recorder(|recorder| {
        let duration = now.saturating_sub(start);
        if duration >= recorder.threshold {
            let text = recorder.places.text(&text);
            let task = recorder.running.task;
            let code = subject.note().map_or(0, |note| note.code);
            recorder.add_block(Block {
                start,
                duration,
                task,
                code,
                text,
            });
        }
        match (subject.body(), subject.note()) {
            (Some(task), Some(note)) => task_stepped(recorder, task, note, start, now),
            _ => {
                recorder.callbacks += 1;
                let text = recorder.places.text(&text);
                if let Some(trace) = &mut recorder.trace {
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
        recorder.running = Cause {
            kind: CauseKind::Callback,
            task: 0,
        };
    });
}

fn task_stepped(
    recorder: &mut Recorder,
    task: &Instance<TaskBody>,
    note: &TaskNote,
    start: u64,
    now: u64,
) {
    let duration = now.saturating_sub(start);
    recorder.steps += 1;
    if let Some(stats) = recorder.places.stats(note.code) {
        stats.steps += 1;
        stats.busy += duration;
        stats.longest_step = stats.longest_step.max(duration);
    }
    if let Some(trace) = &mut recorder.trace {
        trace.events.push(Event::Step {
            start,
            duration,
            task: note.id,
        });
    }
    if !task.future.is_pending() {
        note.ended.set(now);
        return;
    }
    let Some(awaited) = task.waits_for() else {
        note.ready.set(now);
        return;
    };
    note.waiting.set(now);
    if note.ready.get() != 0 {
        // Woken already, by a future that was done when the step looked at it.
        note.ready.set(now);
    }
    if let Some(child) = note_of(Some(&awaited))
        && recorder.children == 1
        && child.born_in == recorder.serial
        && child.direct
        && child.plain.get()
    {
        child.at_once.set(true);
    }
}

/// The Task's line in the picture, if it has just ended.
fn row_of(event_loop: &Instance<LoopBody>, task: &Instance<TaskBody>, now: u64) -> Option<TaskRow> {
    let note = task.note.get()?;
    let traced = event_loop
        .with_recorder(|recorder| recorder.trace.is_some())
        .unwrap_or(false);
    if !traced || note.ended.get() != 0 {
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
    TaskRow {
        id: note.id,
        name,
        code: note.code,
        created: note.created,
        stack: note.stack,
        parent: note.parent,
        ended,
        outcome,
        error: failed.then(|| task.base::<FutureBody>().shown_failure()),
    }
}
