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
        if let Some(explicit) = self.look_at_rare(|rare| rare.awaited_by.clone()).flatten() {
            for waiter in values::items(&explicit)? {
                values::set_add(&all, &waiter)?;
            }
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
    let present = future
        .look_at_rare(|rare| rare.awaited_by.clone())
        .flatten();
    let waiters = match present {
        Some(waiters) => waiters,
        None => {
            let waiters = values::set()?;
            drop(future.change_rare(|rare| rare.awaited_by.replace(waiters.clone())));
            waiters
        }
    };
    values::set_add(&waiters, waiter)?;
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
    if let Some(waiters) = future
        .look_at_rare(|rare| rare.awaited_by.clone())
        .flatten()
    {
        values::set_discard(&waiters, waiter)?;
    }
    Ok(true)
}
