//! The private attributes of asyncio's loops that asyncio's own methods and third parties
//! use, as views of the state that Rust owns.

use crate::handle::HandleBody;
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::PyResult;
use crate::interop::interned::Name;
use crate::interop::methods::{Attribute, Method, readable, with_one, without_arguments, writable};
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::attention::{CLOSED, DEBUG};
use crate::loop_core::body::LoopBody;
use crate::loop_core::schedule::nanoseconds;
use crate::running::{handle_for, select};

use super::L;
use super::tasks::set_factory;

fn thread_id(this: &L) -> PyResult<Object> {
    match this.thread.get() {
        0 => Ok(Object::none()),
        thread => values::integer(thread),
    }
}

fn set_thread_id(this: &L, value: &Object) -> PyResult<()> {
    let thread = if value.is_none() {
        0
    } else {
        values::to_integer(value)? as u64
    };
    this.thread.set(thread);
    Ok(())
}

/// A list of Handles for what is ready; those that do not exist are made for the look.
fn ready_handles(this: &L) -> PyResult<Object> {
    let count = this.ready.borrow().len();
    let mut handles = Vec::with_capacity(count);
    for index in 0..count {
        let entry = match this.ready.borrow().get(index) {
            Some(entry) => entry.copy(),
            None => break,
        };
        handles.push(handle_for(this, &entry)?);
    }
    values::list(handles)
}

fn scheduled_handles(this: &L) -> PyResult<Object> {
    let mut handles: Vec<(u64, Object)> = this
        .timers
        .borrow()
        .iter()
        .map(|(when, handle)| (when, handle.clone()))
        .collect();
    handles.sort_by_key(|(when, _)| *when);
    values::list(handles.into_iter().map(|(_, handle)| handle).collect())
}

/// Takes a timer out of the heap, and on this occasion all cancelled ones.
fn unschedule(this: &L, handle: &Object) {
    let taken = this.timers.borrow_mut().compact(|timer| {
        timer.is(handle)
            || timer
                .instance_of::<HandleBody>()
                .is_some_and(|timer| timer.is_cancelled())
    });
    for timer in &taken {
        if let Some(timer) = timer.instance_of::<HandleBody>() {
            timer.scheduled.set(false);
        }
    }
}

/// Puts a timer into the heap that did not come from `call_at()`, or was taken out.
///
/// # Errors
/// What its `when()` raises; `TypeError` if that is no number.
fn schedule_handle(this: &L, handle: &Object) -> PyResult<()> {
    let when = calls::call_method(Name::When, [handle])?;
    let deadline = nanoseconds(values::to_float(&when)?);
    if let Some(timer) = handle.instance_of::<HandleBody>() {
        timer.scheduled.set(true);
    }
    this.timers.borrow_mut().push(deadline, handle.clone());
    Ok(())
}

fn timer_handle_cancelled(this: &L, handle: &Object) {
    if let Some(handle) = handle.instance_of::<HandleBody>() {
        crate::handle::note_cancelled(this, handle);
    }
}

pub(super) fn methods() -> Vec<Method<LoopBody>> {
    vec![
        without_arguments(
            c"_ready_handles",
            c"_ready_handles($self, /)\n--\n\nWhat is ready, as Handles.",
            ready_handles,
        ),
        without_arguments(
            c"_clear_ready",
            c"_clear_ready($self, /)\n--\n\nForget what is ready.",
            |this: &L| {
                let ready = std::mem::take(&mut *this.ready.borrow_mut());
                drop(ready);
            },
        ),
        without_arguments(
            c"_pop_ready",
            c"_pop_ready($self, /)\n--\n\nTake the next Handle out, or None.",
            |this: &L| -> PyResult<Object> {
                let entry = this.ready.borrow_mut().pop_front();
                entry.map_or_else(|| Ok(Object::none()), |entry| handle_for(this, &entry))
            },
        ),
        without_arguments(
            c"_ready_count",
            c"_ready_count($self, /)\n--\n\nHow many are ready.",
            |this: &L| this.ready.borrow().len() as u64,
        ),
        without_arguments(
            c"_scheduled_handles",
            c"_scheduled_handles($self, /)\n--\n\nTimerHandles by deadline.",
            scheduled_handles,
        ),
        without_arguments(
            c"_clear_scheduled",
            c"_clear_scheduled($self, /)\n--\n\nForget all timers.",
            |this: &L| {
                let timers = this.timers.borrow_mut().take_all();
                drop(timers);
            },
        ),
        with_one(
            c"_unschedule",
            c"_unschedule($self, handle, /)\n--\n\nTake a timer out.",
            unschedule,
        ),
        with_one(
            c"_schedule_handle",
            c"_schedule_handle($self, handle, /)\n--\n\nPut a timer in.",
            schedule_handle,
        ),
        with_one(
            c"_select",
            c"_select($self, timeout, /)\n--\n\nWait for descriptors; gives a list of (fd, events).",
            select,
        ),
        with_one(
            c"_set_selecting",
            c"_set_selecting($self, on, /)\n--\n\nWhether each turn goes through _selector.select() and _process_events().",
            |this: &L, on| -> PyResult<()> {
                this.selecting.set(is_true(on)?);
                Ok(())
            },
        ),
        with_one(
            c"_timer_handle_cancelled",
            c"_timer_handle_cancelled($self, handle, /)\n--\n\nCount a cancelled timer.",
            timer_handle_cancelled,
        ),
        without_arguments(
            c"get_debug",
            c"get_debug($self, /)\n--\n\nWhether debug mode is on.",
            |this: &L| this.attention.has(DEBUG),
        ),
        without_arguments(
            c"_tasks",
            c"_tasks($self, /)\n--\n\nThe unfinished Tasks of ours on this loop.",
            |this: &L| values::list(this.tasks.members()),
        ),
    ]
}

pub(super) fn attributes() -> Vec<Attribute<LoopBody>> {
    vec![
        writable(c"_thread_id", thread_id, set_thread_id),
        writable(
            c"_debug",
            |this: &L| this.attention.has(DEBUG),
            |this: &L, value| {
                this.attention.set(DEBUG, is_true(value)?);
                Ok(())
            },
        ),
        writable(
            c"_closed",
            |this: &L| this.attention.has(CLOSED),
            |this: &L, value| {
                this.attention.set(CLOSED, is_true(value)?);
                Ok(())
            },
        ),
        writable(
            c"_stopping",
            |this: &L| this.stopping.get(),
            |this: &L, value| {
                this.stopping.set(is_true(value)?);
                Ok(())
            },
        ),
        writable(
            c"_drives_generators",
            |this: &L| this.drives_generators.get(),
            |this: &L, value| {
                this.drives_generators.set(is_true(value)?);
                Ok(())
            },
        ),
        writable(
            c"_task_factory",
            |this: &L| this.task_factory.get(),
            set_factory,
        ),
        readable(c"_reactor_fd", |this: &L| -> PyResult<Object> {
            match &*this.reactor.borrow() {
                Some(reactor) => values::integer(u64::try_from(reactor.fd()).unwrap_or(0)),
                None => Ok(Object::none()),
            }
        }),
    ]
}
