//! Publishing which Task runs, where `asyncio.current_task()` looks for it.
//!
//! Up to 3.13 that is the dict `_asyncio._current_tasks` (`{loop: task}`), from 3.14 on a
//! field of the thread state (see [`running_task`]). Between two steps of
//! our Tasks the value is only overwritten; it is cleared before anything foreign runs
//! (a C Task insists that no other Task is current) and before the loop blocks.

use crate::interop::calls;
use crate::interop::errors::{PyResult, Raised};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::running_task;
use crate::interop::values;

use super::body::LoopBody;

impl Instance<LoopBody> {
    /// Publishes `task` as the one that runs on this loop.
    ///
    /// # Errors
    /// `RuntimeError` from 3.14 on if this loop does not run in this thread.
    #[inline(always)]
    pub(crate) fn publish_task(&self, task: &Object) -> PyResult<()> {
        if self.current_task.is(task) {
            return Ok(());
        }
        self.publish_another(task)
    }

    #[inline(never)]
    fn publish_another(&self, task: &Object) -> PyResult<()> {
        self.with_object(|this| write(this, task))?;
        self.current_task.set(task.clone());
        Ok(())
    }

    /// Publishes that no Task runs, if one of ours is published.
    #[inline(always)]
    pub(crate) fn retract_task(&self) {
        if !self.current_task.is_empty() {
            self.retract_published();
        }
    }

    #[inline(never)]
    fn retract_published(&self) {
        let task = self.current_task.take();
        if let Err(raised) = self.with_object(erase) {
            // The entry was taken away behind our back (a test that calls `_leave_task`):
            // nothing is published, which is what was wanted.
            raised.forget();
        }
        drop(task);
    }

    /// Publishes `task` over whatever is current, also a foreign Task, and gives that back.
    ///
    /// # Errors
    /// As [`Self::publish_task`].
    pub(crate) fn exchange_task(&self, task: Option<&Object>) -> PyResult<Option<Object>> {
        let ours = self.current_task.take();
        let previous = self.with_object(|this| exchange(this, task))?;
        drop(ours);
        if let Some(task) = task {
            self.current_task.set(task.clone());
        }
        Ok(previous)
    }

    /// Puts back what [`Self::exchange_task`] gave: a Task of a foreign kind is published
    /// but not remembered as ours, so that its own end of step finds it in place.
    ///
    /// # Errors
    /// As [`Self::publish_task`].
    pub(crate) fn restore_task(&self, previous: Option<Object>, ours: bool) -> PyResult<()> {
        drop(self.current_task.take());
        self.with_object(|this| exchange(this, previous.as_ref()))?;
        if ours && let Some(previous) = previous {
            self.current_task.set(previous);
        }
        Ok(())
    }
}

/// Publishes for any loop object, ours or not; gives what was published before.
///
/// # Errors
/// `RuntimeError` from 3.14 on if the loop does not run in this thread.
pub(crate) fn exchange(event_loop: &Object, task: Option<&Object>) -> PyResult<Option<Object>> {
    if let Some(tasks) = &imports().current_tasks {
        let previous = values::dict_get(tasks, event_loop)?;
        match (task, &previous) {
            (Some(task), _) => values::dict_set(tasks, event_loop, task)?,
            (None, Some(_)) => values::dict_delete(tasks, event_loop)?,
            (None, None) => {}
        }
        return Ok(previous);
    }
    swap(event_loop, task)
}

#[inline(always)]
fn write(event_loop: &Object, task: &Object) -> PyResult<()> {
    match &imports().current_tasks {
        Some(tasks) => values::dict_set(tasks, event_loop, task),
        None => swap(event_loop, Some(task)).map(drop),
    }
}

fn erase(event_loop: &Object) -> Result<(), Raised> {
    match &imports().current_tasks {
        Some(tasks) => values::dict_delete(tasks, event_loop),
        None => swap(event_loop, None).map(drop),
    }
}

#[inline(always)]
fn swap(event_loop: &Object, task: Option<&Object>) -> PyResult<Option<Object>> {
    match running_task::exchange(event_loop, task) {
        Ok(previous) => Ok(previous),
        Err(()) => call_swap(event_loop, task),
    }
}

#[cold]
fn call_swap(event_loop: &Object, task: Option<&Object>) -> PyResult<Option<Object>> {
    let Some(swap) = &imports().swap_current_task else {
        return Ok(None);
    };
    let none = Object::none();
    let previous = calls::call(swap, [event_loop, task.unwrap_or(&none)])?;
    Ok(if previous.is_none() {
        None
    } else {
        Some(previous)
    })
}
