//! Counters and recordings: what `loop.report()` is made of. Times are nanoseconds of the monotonic clock.

use std::sync::Arc;

use tepal_core::monotonic_ns;

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::coroutines::is_true;
use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::methods::{Method, with_arguments, with_one, without_arguments};
use crate::interop::object::Object;
use crate::interop::threads;
use crate::interop::values;
use crate::loop_core::attention::{KEEPING, RECORDING};
use crate::loop_core::recorder::{
    COUNTERS, Event, Hooks, NO_SITE, OFF, REPORT, Recorder, Site, TRACE, TaskRow, Trace,
};
use crate::running::make_row;
use crate::task::TaskBody;

use super::L;

fn numbers(values: &[u64]) -> PyResult<Vec<Object>> {
    values.iter().map(|value| values::integer(*value)).collect()
}

fn number_tuple(values: &[u64]) -> PyResult<Object> {
    values::tuple(numbers(values)?)
}

fn small_numbers(values: &[u32]) -> PyResult<Object> {
    let values: Vec<u64> = values.iter().map(|value| u64::from(*value)).collect();
    values::list(numbers(&values)?)
}

fn list_of<T>(items: &[T], show: impl Fn(&T) -> PyResult<Object>) -> PyResult<Object> {
    values::list(items.iter().map(show).collect::<PyResult<Vec<_>>>()?)
}

/// `_record(level, threshold, limit, classify, waited)`: begins a recording, or ends it with a level below `REPORT`.
fn record(this: &L, arguments: Arguments<'_>) -> PyResult<()> {
    let [level, threshold, limit, classify, waited] = arguments.bind(&Signature {
        function: "_record",
        names: [
            Name::Level,
            Name::Threshold,
            Name::Limit,
            Name::Classify,
            Name::Waited,
        ],
        required: 5,
        positional: 5,
    })?;
    let whole = |value: Option<Object>| -> PyResult<u64> {
        let value = values::to_integer(&value.unwrap_or_else(Object::none))?;
        Ok(u64::try_from(value).unwrap_or(0))
    };
    let level = u8::try_from(whole(level)?).unwrap_or(OFF);
    let threshold = whole(threshold)?;
    let limit = usize::try_from(whole(limit)?).unwrap_or(0);
    this.counters.level.set(level.min(COUNTERS));
    let recorder = (level >= REPORT).then(|| {
        let hooks = Hooks {
            classify: classify.unwrap_or_else(Object::none),
            waited: waited.filter(|waited| !waited.is_none()),
        };
        let trace = (level >= TRACE).then(|| Trace::new(limit));
        Box::new(Recorder::new(hooks, threshold, trace))
    });
    this.attention.set(RECORDING, recorder.is_some());
    let before = std::mem::replace(&mut *this.recorder.borrow_mut(), recorder);
    if let Some(before) = &before {
        before.watch.close();
    }
    drop(before);
    Ok(())
}

/// `_counters()`: turns, entries, Tasks, waits, idle, ran, longest queue, steps, callbacks, longest delay and its code.
fn counters(this: &L) -> PyResult<Object> {
    let counters = &this.counters;
    let running = match counters.running_since.get() {
        0 => 0,
        since => monotonic_ns().saturating_sub(since),
    };
    let (steps, callbacks, delay, code) = this
        .with_recorder(|recorder| {
            let places = &recorder.places;
            let (delay, code) = places.longest_delay();
            (places.steps(), recorder.callbacks, delay, u64::from(code))
        })
        .unwrap_or_default();
    number_tuple(&[
        counters.turns.get(),
        counters.entries.get(),
        counters.tasks.get(),
        counters.waits.get(),
        counters.idle.get(),
        counters.ran.get() + running,
        counters.longest_queue.get(),
        steps,
        callbacks,
        delay,
        code,
    ])
}

fn show_site(site: &Site) -> PyResult<Object> {
    values::tuple(vec![
        values::integer(u64::from(site.code))?,
        values::signed_integer(i64::from(site.instruction))?,
        values::integer(site.tasks)?,
        values::integer(u64::from(site.made))?,
        values::integer(site.at_once)?,
        values::integer(site.at_once_cost())?,
        small_numbers(&site.at_once_tasks)?,
        values::integer(site.dropped)?,
        small_numbers(&site.dropped_tasks)?,
    ])
}

fn show_event(event: &Event) -> PyResult<Object> {
    let (kind, fields): (u64, [u64; 5]) = match *event {
        Event::Step {
            start,
            duration,
            task,
        } => (0, [start, duration, task.into(), 0, 0]),
        Event::Callback {
            start,
            duration,
            text,
        } => (1, [start, duration, text.into(), 0, 0]),
        Event::Wait {
            start,
            end,
            task,
            target,
            detail,
        } => (2, [start, end, task.into(), target.into(), detail.into()]),
        Event::Wake { time, task, cause } => {
            let mut shown = numbers(&[3, time, task.into(), cause.task.into()])?;
            shown.push(values::string(cause.kind.text())?);
            return values::tuple(shown);
        }
    };
    let mut shown = vec![kind];
    shown.extend(fields);
    number_tuple(&shown)
}

fn show_row(row: &TaskRow) -> PyResult<Object> {
    values::tuple(vec![
        values::integer(row.id.into())?,
        row.name.clone(),
        values::integer(row.code.into())?,
        values::integer(row.created)?,
        values::integer(row.stack.into())?,
        values::integer(row.parent.into())?,
        values::integer(row.ended)?,
        values::string(row.outcome)?,
        match &row.error {
            Some(error) => values::string(error)?,
            None => Object::none(),
        },
    ])
}

/// `_recorded()`: codes, sites, blocks, stacks, texts, events, rows of ended Tasks, how much was dropped; `None` without a
/// recording.
fn recorded(this: &L) -> PyResult<Object> {
    // Taken out while Python objects are made, since the collector may run code then; what that code does is not recorded.
    let Some(recorder) = this.recorder.borrow_mut().take() else {
        return Ok(Object::none());
    };
    let shown = show_recorder(&recorder);
    let other = this.recorder.borrow_mut().replace(recorder);
    drop(other);
    shown
}

fn show_recorder(recorder: &Recorder) -> PyResult<Object> {
    let places = &recorder.places;
    let codes = list_of(&places.codes, |code| {
        let stats = &code.stats;
        let mut shown = vec![code.object.clone()];
        let sums = [
            stats.tasks,
            stats.steps,
            stats.busy,
            stats.longest_step,
            stats.longest_delay,
        ];
        shown.extend(numbers(&sums)?);
        values::tuple(shown)
    })?;
    let blocks = list_of(&recorder.blocks, |block| {
        number_tuple(&[
            block.start,
            block.duration,
            block.task.into(),
            block.code.into(),
            block.text.into(),
        ])
    })?;
    let mut shown = vec![
        codes,
        list_of(&places.sites, show_site)?,
        blocks,
        list_of(&places.stacks, |stack| small_numbers(stack))?,
        list_of(&places.texts, |text| values::string(text))?,
    ];
    match &recorder.trace {
        None => shown.extend([
            values::list(vec![])?,
            values::list(vec![])?,
            values::integer(0)?,
        ]),
        Some(trace) => {
            let events: Vec<Event> = trace.events.iter().copied().collect();
            shown.push(list_of(&events, show_event)?);
            shown.push(list_of(&trace.rows, show_row)?);
            shown.push(values::integer(
                trace.events.dropped() + trace.rows_dropped,
            )?);
        }
    }
    values::tuple(shown)
}

/// `_noted_tasks()`: of each unfinished Task that was noted: the Task, its row, its line, since when it waits, since when it is
/// ready.
fn noted_tasks(this: &L) -> PyResult<Object> {
    let mut shown = Vec::new();
    for object in this.tasks.members() {
        let Some(task) = object.instance_of::<TaskBody>() else {
            continue;
        };
        let Some(note) = task.note.get() else {
            continue;
        };
        let site = if note.site == NO_SITE {
            -1
        } else {
            i64::from(note.site)
        };
        shown.push(values::tuple(vec![
            object.clone(),
            show_row(&make_row(task, note, "pending", 0))?,
            values::signed_integer(site)?,
            values::integer(note.resting.get())?,
            values::integer(note.ready.get())?,
        ])?);
    }
    values::list(shown)
}

/// The recording's number of a Task; 0 for one that it does not know.
pub(crate) fn note_of(task: &Object) -> u32 {
    let note = task
        .instance_of::<TaskBody>()
        .and_then(|task| task.note.get());
    note.map_or(0, |note| note.id)
}

/// `_wait_for_block(known)`: sleeps, without the GIL, until a step has held the loop for the recording's threshold; returns when
/// that step began, or `None` when the recording is over. The step that began at `known` was told before.
fn wait_for_block(this: &L, known: &Object) -> PyResult<Object> {
    let known = u64::try_from(values::to_integer(known)?).unwrap_or(0);
    let watched = this.with_recorder(|recorder| (Arc::clone(&recorder.watch), recorder.threshold));
    let Some((watch, threshold)) = watched else {
        return Ok(Object::none());
    };
    match threads::detached(|| watch.wait(threshold, known)) {
        Some(start) => values::integer(start),
        None => Ok(Object::none()),
    }
}

/// `_running_step()`: when the step that runs began; 0 if none does.
fn running_step(this: &L) -> u64 {
    this.with_recorder(|recorder| recorder.watch.running())
        .unwrap_or(0)
}

fn keep_tasks(this: &Instance<crate::loop_core::body::LoopBody>, on: &Object) -> PyResult<()> {
    let on = is_true(on)?;
    this.attention.set(KEEPING, on);
    if !on {
        drop(this.kept_tasks.take_all());
    }
    Ok(())
}

pub(super) fn methods() -> Vec<Method<crate::loop_core::body::LoopBody>> {
    vec![
        with_arguments(
            c"_record",
            c"_record($self, level, threshold, limit, classify, waited, /)\n--\n\nBegin or end a recording.",
            record,
        ),
        without_arguments(c"_counters", c"_counters($self, /)\n--\n\nThe sums so far.", counters),
        without_arguments(c"_recorded", c"_recorded($self, /)\n--\n\nWhat was recorded.", recorded),
        without_arguments(
            c"_noted_tasks",
            c"_noted_tasks($self, /)\n--\n\nUnfinished Tasks with what was noted.",
            noted_tasks,
        ),
        with_one(
            c"_wait_for_block",
            c"_wait_for_block($self, known, /)\n--\n\nSleep until a step takes too long.",
            wait_for_block,
        ),
        without_arguments(
            c"_running_step",
            c"_running_step($self, /)\n--\n\nWhen the present step began.",
            running_step,
        ),
        with_one(
            c"_keep_tasks",
            c"_keep_tasks($self, on, /)\n--\n\nKeep unfinished Tasks alive.",
            keep_tasks,
        ),
    ]
}
