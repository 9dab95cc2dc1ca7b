//! Running one entry of the ready queue.

use crate::datagram::{self, EndpointBody};
use crate::executor::{self, JobBody};
use crate::future::FutureBody;
use crate::handle::{HandleBody, ThreadSafeHandleBody, TimerHandleBody};
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{PyResult, Raised};
use crate::interop::instance::Instance;
use crate::interop::interned::{Name, intern};
use crate::interop::object::{Object, Slot};
use crate::interop::values;
use crate::loop_core::attention::{CARE, DEBUG, HANDLE_RUN, KEEPING, RECORDING};
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::failures;
use crate::loop_core::shared_context::run_in;
use crate::sock::run_ready;
use crate::task::{TaskBody, run_step, run_wake};
use crate::transport::{run_readable, run_writable};

use super::replaced_run::run_by_handle;
use super::turn::sleep_timer;
use super::{recorded, slow};

/// Runs an entry; what it raises goes to the exception handler.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt`.
///
/// # Reentrancy
/// Runs any Python code.
pub(super) fn run_entry(event_loop: &Instance<LoopBody>, entry: Entry) -> PyResult<()> {
    if event_loop.attention.has(CARE) {
        return run_with_care(event_loop, &entry);
    }
    run_now(event_loop, &entry)
}

#[inline(never)]
fn run_with_care(event_loop: &Instance<LoopBody>, entry: &Entry) -> PyResult<()> {
    if event_loop.attention.has(RECORDING | KEEPING) {
        return recorded::run_recorded(event_loop, entry);
    }
    if event_loop.attention.has(DEBUG) {
        return slow::run_timed(event_loop, entry);
    }
    run_unwatched(event_loop, entry)
}

/// As [`run_entry`], without a look at the debug mode and at recordings.
///
/// # Errors
/// As [`run_entry`].
pub(super) fn run_unwatched(event_loop: &Instance<LoopBody>, entry: &Entry) -> PyResult<()> {
    if event_loop.attention.has(HANDLE_RUN) {
        return run_by_handle(event_loop, entry);
    }
    run_now(event_loop, entry)
}

/// [`Entry::Step`] without a look at the debug mode.
///
/// # Errors
/// As [`run_entry`].
#[inline(always)]
pub(super) fn run_task(event_loop: &Instance<LoopBody>, task: Object) -> PyResult<()> {
    let Some(body) = task.instance_of::<TaskBody>() else {
        return Ok(());
    };
    match run_step(event_loop, body, None) {
        Ok(()) => Ok(()),
        Err(raised) => report(event_loop, &Entry::Step(task), raised),
    }
}

/// [`Entry::Wake`] without a look at the debug mode.
///
/// # Errors
/// As [`run_entry`].
#[inline(always)]
pub(super) fn wake_task(
    event_loop: &Instance<LoopBody>,
    task: Object,
    future: Object,
) -> PyResult<()> {
    let Some(body) = task.instance_of::<TaskBody>() else {
        return Ok(());
    };
    match run_wake(event_loop, body, &future) {
        Ok(()) => Ok(()),
        Err(raised) => report(event_loop, &Entry::Wake { task, future }, raised),
    }
}

/// [`Entry::Call`] without a look at the debug mode.
///
/// # Errors
/// As [`run_entry`].
#[inline(never)]
pub(super) fn run_call(
    event_loop: &Instance<LoopBody>,
    callable: Object,
    argument: Option<Object>,
    context: Object,
) -> PyResult<()> {
    event_loop.retract_task();
    match call(&callable, argument.as_ref(), &context) {
        Ok(()) => Ok(()),
        Err(raised) => {
            let entry = Entry::Call {
                callable,
                argument,
                context,
            };
            report(event_loop, &entry, raised)
        }
    }
}

/// As [`run_entry`], without looking at the debug mode.
///
/// # Errors
/// As [`run_entry`].
#[inline(never)]
pub(super) fn run_now(event_loop: &Instance<LoopBody>, entry: &Entry) -> PyResult<()> {
    let failed = match entry {
        Entry::Step(task) => match task.instance_of::<TaskBody>() {
            Some(task) => run_step(event_loop, task, None),
            None => Ok(()),
        },
        Entry::Wake { task, future } => match task.instance_of::<TaskBody>() {
            Some(task) => run_wake(event_loop, task, future),
            None => Ok(()),
        },
        Entry::Throw { task, exception } => match task.instance_of::<TaskBody>() {
            Some(task) => run_step(event_loop, task, Some(exception.clone())),
            None => Ok(()),
        },
        Entry::Call {
            callable,
            argument,
            context,
        } => {
            event_loop.retract_task();
            call(callable, argument.as_ref(), context)
        }
        Entry::Readable(transport) => {
            event_loop.retract_task();
            if transport.exactly::<EndpointBody>().is_some() {
                datagram::run_readable(event_loop, transport)
            } else {
                run_readable(event_loop, transport)
            }
        }
        Entry::Writable(transport) => {
            event_loop.retract_task();
            run_writable(event_loop, transport)
        }
        Entry::Operation(operation) => {
            event_loop.retract_task();
            match operation.exactly::<JobBody>() {
                Some(job) => executor::deliver(job),
                None => run_ready(event_loop, operation),
            }
        }
        Entry::Run(handle) => return run_handle(event_loop, handle),
    };
    report_failure(event_loop, entry, failed)
}

/// What running an entry raised goes to the exception handler.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt`.
#[inline(always)]
pub(super) fn report_failure(
    event_loop: &Instance<LoopBody>,
    entry: &Entry,
    ran: PyResult<()>,
) -> PyResult<()> {
    match ran {
        Ok(()) => Ok(()),
        Err(raised) => report(event_loop, entry, raised),
    }
}

#[inline(always)]
fn call(callable: &Object, argument: Option<&Object>, context: &Object) -> PyResult<()> {
    let owner = Slot::holding(context.clone());
    run_in(&owner, || match argument {
        Some(argument) => calls::call(callable, [argument]),
        None => calls::call(callable, []),
    })?
    .map(drop)
}

/// [`Entry::Run`] without a look at the debug mode.
///
/// # Errors
/// As [`run_entry`].
#[inline(always)]
pub(super) fn run_handle(event_loop: &Instance<LoopBody>, handle: &Object) -> PyResult<()> {
    if let Some(plain) = handle.exactly::<HandleBody>() {
        event_loop.retract_task();
        track_if_kept(handle);
        return plain.run();
    }
    if let Some((future, result)) = sleep_timer(handle) {
        return wake_sleeper(event_loop, handle, &future, result);
    }
    event_loop.retract_task();
    if let Some(shared) = handle.exactly::<ThreadSafeHandleBody>() {
        track_if_kept(handle);
        return shared.run();
    }
    match handle.exactly::<TimerHandleBody>() {
        Some(timer) => timer.base::<HandleBody>().run(),
        // A Handle of asyncio's own or of a subclass, put in by `_add_callback`.
        None => run_foreign_handle(handle),
    }
}

/// A Handle that somebody keeps beyond its run may become part of a cycle.
#[inline(always)]
fn track_if_kept(handle: &Object) {
    if handle.reference_count() > 1 {
        handle.track();
    }
}

/// The end of an `asyncio.sleep`, without a call into Python.
#[inline(always)]
fn wake_sleeper(
    event_loop: &Instance<LoopBody>,
    handle: &Object,
    future: &Object,
    result: Object,
) -> PyResult<()> {
    match future.exactly::<FutureBody>() {
        Some(future) if future.is_pending() => match future.set_result(result) {
            Ok(()) => Ok(()),
            Err(raised) => report(event_loop, &Entry::Run(handle.clone()), raised),
        },
        _ => Ok(()),
    }
}

/// As a turn of asyncio's does it: nothing if it is cancelled, else its `_run()`.
///
/// # Errors
/// What that raises.
#[cold]
pub(super) fn run_foreign_handle(handle: &Object) -> PyResult<()> {
    let cancelled = calls::attribute(handle, &intern("_cancelled")?)?;
    if is_true(&cancelled)? {
        return Ok(());
    }
    calls::call_method(Name::RunUnderscore, [handle]).map(drop)
}

/// Tells the exception handler what went wrong in an entry for which no Handle exists; one is
/// made now, as asyncio would have made it before.
#[cold]
fn report(event_loop: &Instance<LoopBody>, entry: &Entry, raised: Raised) -> PyResult<()> {
    let exception = failures::contain(raised)?;
    let this = event_loop.object();
    let handle = handle_for(event_loop, entry)?;
    let callback = calls::attribute(&handle, &intern("_callback")?)?;
    let arguments = calls::attribute(&handle, &intern("_args")?)?;
    let shown = failures::describe_callback(&this, callback, arguments)?;
    let message = values::string(&format!("Exception in callback {shown}"))?;
    failures::report(
        &this,
        &[
            (Name::Message, &message),
            (Name::Exception, &exception),
            (Name::Handle, &handle),
        ],
    )
}

/// A Handle that shows what an entry was.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn handle_for(event_loop: &Instance<LoopBody>, entry: &Entry) -> PyResult<Object> {
    if let Entry::Run(handle) = entry {
        if handle.instance_of::<HandleBody>().is_some() {
            handle.track();
        }
        return Ok(handle.clone());
    }
    let Some(call) = entry.as_call()? else {
        return Ok(Object::none());
    };
    let arguments: Vec<Object> = call.argument.into_iter().collect();
    let handle = Instance::<HandleBody>::make(event_loop, call.callable, &arguments, call.context)?;
    Ok(handle.into_object())
}
