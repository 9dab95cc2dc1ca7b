//! Who awaits a Future: the edges of 3.14's call graph (`asyncio.capture_call_graph`).
//!
//! An `await` by a Task of ours needs no edge of its own: the callback that wakes the Task
//! is one. Only the edges that `gather`, `wait`, `shield` and `TaskGroup` add are stored.

use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::values;

use super::body::FutureBody;

impl Instance<FutureBody> {
    /// `_asyncio_awaited_by`: a frozenset, or `None` if nobody waits.
    ///
    /// # Errors
    /// What hashing a waiter raises.
    pub(super) fn awaited_by(&self) -> PyResult<Object> {
        let all = values::set()?;
        for task in self.waiting_tasks() {
            values::set_add(&all, &task)?;
        }
        match self.awaited_by.get() {
            None => {}
            Some(waiters) if values::is_set(&waiters) => {
                for waiter in values::items(&waiters)? {
                    values::set_add(&all, &waiter)?;
                }
            }
            Some(waiter) => values::set_add(&all, &waiter)?,
        }
        if values::set_len(&all) == 0 {
            Ok(Object::none())
        } else {
            values::frozenset(&all)
        }
    }
}

/// `future_add_to_awaited_by(future, waiter)` for a Future of ours; `false` for another.
///
/// # Errors
/// What hashing the waiter raises.
pub(crate) fn add_awaiter(future: &Object, waiter: &Object) -> PyResult<bool> {
    let Some(future) = future.instance_of::<FutureBody>() else {
        return Ok(false);
    };
    match future.awaited_by.get() {
        None => future.awaited_by.set(waiter.clone()),
        Some(waiters) if values::is_set(&waiters) => values::set_add(&waiters, waiter)?,
        Some(other) if other.is(waiter) => {}
        Some(other) => {
            let waiters = values::set()?;
            values::set_add(&waiters, &other)?;
            values::set_add(&waiters, waiter)?;
            future.awaited_by.set(waiters);
        }
    }
    Ok(true)
}

/// `future_discard_from_awaited_by(future, waiter)` for a Future of ours; `false` for another.
///
/// # Errors
/// What hashing the waiter raises.
pub(crate) fn discard_awaiter(future: &Object, waiter: &Object) -> PyResult<bool> {
    let Some(future) = future.instance_of::<FutureBody>() else {
        return Ok(false);
    };
    match future.awaited_by.get() {
        Some(waiters) if values::is_set(&waiters) => values::set_discard(&waiters, waiter)?,
        Some(other) if other.is(waiter) => future.awaited_by.clear(),
        _ => {}
    }
    Ok(true)
}
