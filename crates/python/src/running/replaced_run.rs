//! Entries while somebody has replaced `asyncio.Handle._run`, as tools that time callbacks do (aiodebug): each runs as a
//! Handle, through the replacement.
//!
//! asyncio looks the method up for every callback. Here the class is looked at whenever the kernel is asked, so that a
//! replacement takes effect with the next poll.

use crate::handle::{HandleBody, ThreadSafeHandleBody, TimerHandleBody};
use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::imports::imports;
use crate::interop::instance::{Instance, type_version};
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::loop_core::attention::HANDLE_RUN;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;

use super::dispatch::{handle_for, run_foreign_handle};

/// Notices whether `_run` of asyncio's Handles was replaced or put back since the last look.
///
/// # Errors
/// What looking an attribute up raises.
#[inline(always)]
pub(super) fn look(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    // A change of a class changes the versions of those that inherit from it.
    let version = type_version(&imports().asyncio_timer_handle);
    if version != 0 && version == event_loop.handle_version.get() {
        return Ok(());
    }
    look_closely(event_loop)
}

#[cold]
#[inline(never)]
fn look_closely(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    let imports = imports();
    let replaced =
        is_replaced(&imports.asyncio_handle)? || is_replaced(&imports.asyncio_timer_handle)?;
    event_loop.attention.set(HANDLE_RUN, replaced);
    let version = type_version(&imports.asyncio_timer_handle);
    event_loop.handle_version.set(version);
    Ok(())
}

/// Whether the method is not a function of asyncio's own module, which is where `Handle.cancel` stands.
fn is_replaced(class: &Object) -> PyResult<bool> {
    let globals = intern("__globals__")?;
    let run = calls::attribute(class, Name::RunUnderscore.object())?;
    let theirs = calls::optional_attribute(&run, &globals)?;
    Ok(theirs.is_none_or(|theirs| !theirs.is(&imports().events_globals)))
}

/// Runs an entry as `handle._run()`.
///
/// # Errors
/// What that raises.
///
/// # Reentrancy
/// Runs any Python code.
#[cold]
#[inline(never)]
pub(super) fn run_by_handle(event_loop: &Instance<LoopBody>, entry: &Entry) -> PyResult<()> {
    event_loop.retract_task();
    let handle = handle_for(event_loop, entry)?;
    let class = if handle.exactly::<TimerHandleBody>().is_some() {
        &imports().asyncio_timer_handle
    } else if handle.exactly::<HandleBody>().is_some()
        || handle.exactly::<ThreadSafeHandleBody>().is_some()
    {
        &imports().asyncio_handle
    } else {
        return run_foreign_handle(&handle);
    };
    let cancelled = handle
        .instance_of::<HandleBody>()
        .is_some_and(|handle| handle.is_cancelled());
    if cancelled {
        return Ok(());
    }
    let run = calls::attribute(class, Name::RunUnderscore.object())?;
    calls::call(&run, [&handle]).map(drop)
}
