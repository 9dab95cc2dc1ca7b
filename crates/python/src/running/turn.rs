//! One turn of the loop.
//!
//! 1. Work is ready: the kernel is asked only when the poll budget is spent. Nothing is
//!    ready: wait for the kernel, with the GIL released, until the next deadline.
//! 2. Descriptors that became ready put their Handles, or the transports that wait for them, into the ready queue.
//! 3. Timers that are due put theirs after them.
//! 4. Exactly what is ready now runs; what that schedules waits for the next turn, except for a Task that has just received
//!    a lot, which goes on at once.

use tepal_core::constants::POLL_RARELY;
use tepal_core::{Event, EventBuffer, Timeout, monotonic_ns, wait_time};

use crate::future::FutureBody;
use crate::handle::{CallArguments, HandleBody, TimerHandleBody};
use crate::interop::errors::{PyResult, Raised, raise_os_error, restore};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::threads;
use crate::loop_core::attention::CARE;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::failures;
use crate::loop_core::watchers::{Side, Watch};

use crate::transport::{hold_enough, send_held};

use super::alike::{can_begin, run_row};
use super::dispatch::{run_call, run_entry, run_handle, run_now, run_task, wake_task};
use super::recorded::{self, run_task_recorded};
use super::replaced_run;
use super::reported::step_entry;
use super::selecting::select_by_python;

/// Turns the loop until `stop()` was called.
///
/// The first turn looks at the descriptors whatever the poll budget says: a program that runs
/// its loop in short pieces (`run_until_complete` of something that is nearly done) counts on
/// each piece noticing what has arrived, as asyncio's, which polls at every turn.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt` out of a callback or a signal handler; `OSError` if
/// the kernel refuses to wait.
pub(crate) fn run_until_stopped(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    let now = monotonic_ns();
    event_loop.counters.begin(now);
    recorded::loop_begins(event_loop, now);
    let outcome = turn_until_stopped(event_loop);
    recorded::loop_rests(event_loop);
    event_loop.counters.end(monotonic_ns());
    outcome
}

fn turn_until_stopped(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    let before = event_loop.turning.replace(true);
    let mut looked = look_at_descriptors(event_loop);
    loop {
        let ran = looked.and_then(|()| run_turn(event_loop));
        if ran.is_err() || event_loop.stopping.get() {
            return end_run(event_loop, ran, before);
        }
        looked = Ok(());
    }
}

/// On the way out: what was held is sent, and no Task runs. Both may call into CPython, which must not see an exception.
/// `nested`: other turns of ours are under way around these.
#[inline(never)]
fn end_run(event_loop: &Instance<LoopBody>, ran: PyResult<()>, nested: bool) -> PyResult<()> {
    let exception = ran.err().map(Raised::take);
    event_loop.turning.set(nested);
    let sent = send_held(event_loop);
    let exception = match (exception, sent) {
        (None, sent) => sent.err().map(Raised::take),
        (Some(exception), sent) => {
            // Only one can be raised.
            sent.unwrap_or_else(Raised::forget);
            Some(exception)
        }
    };
    event_loop.retract_task();
    exception.map_or(Ok(()), |exception| Err(restore(exception)))
}

/// Polls without waiting, unless the turn that follows polls anyway.
fn look_at_descriptors(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    if event_loop.stopping.get() || event_loop.ready.borrow().is_empty() {
        return Ok(());
    }
    poll(event_loop, Timeout::Now)
}

/// One turn for itself; see the module's text.
///
/// # Errors
/// As [`run_until_stopped`].
pub(crate) fn run_once(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    let before = event_loop.turning.replace(true);
    let ran = run_turn(event_loop);
    end_run(event_loop, ran, before)
}

#[inline(always)]
fn run_turn(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    event_loop.turn.set(event_loop.turn.get() + 1);
    poll_if_due(event_loop)?;
    let due = event_loop.timers.borrow().next_deadline();
    if due.is_some() && event_loop.time_overridden.get() {
        event_loop.now()?;
    }
    if due.is_some_and(|deadline| deadline <= event_loop.known_now.get()) {
        collect_due_timers(event_loop)?;
    }
    let batch = event_loop.ready.borrow().len();
    let mut left = batch;
    while left > 0 {
        left -= 1;
        if event_loop.attention.has(CARE) {
            run_next_with_care(event_loop)?;
        } else {
            let Some(entry) = event_loop.ready.borrow_mut().pop_front() else {
                break;
            };
            // Taken apart at once; see `ReadyQueue`.
            match entry {
                Entry::Step(task) => run_task(event_loop, task)?,
                Entry::Wake { task, future } => wake_task(event_loop, task, future)?,
                Entry::Run(handle) if can_begin(&handle) => {
                    run_row(event_loop, handle, &mut left)?;
                }
                Entry::Run(handle) => run_handle(event_loop, &handle)?,
                Entry::Throw { task, exception } => {
                    run_now(event_loop, &Entry::Throw { task, exception })?;
                }
                Entry::Call {
                    callable,
                    argument,
                    context,
                } => run_call(event_loop, callable, argument, context)?,
                Entry::Readable(transport) => run_now(event_loop, &Entry::Readable(transport))?,
                Entry::Writable(transport) => run_now(event_loop, &Entry::Writable(transport))?,
                Entry::Operation(operation) => run_now(event_loop, &Entry::Operation(operation))?,
            }
        }
        if event_loop.hurried.get() != 0 {
            run_hurried(event_loop)?;
        }
        if hold_enough(event_loop) {
            send_held(event_loop)?;
        }
    }
    event_loop.counters.turned(batch as u64);
    note_ran(event_loop, batch as u32);
    Ok(())
}

/// The next entry, in debug mode or while a recording runs. Taken apart at once, too: one arm for all that is no step makes a
/// recorded `create_task()` 4 % slower, `gather()` 5 %.
#[inline(never)]
fn run_next_with_care(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    let Some(entry) = event_loop.ready.borrow_mut().pop_front() else {
        return Ok(());
    };
    let recorded = event_loop.attention.is_recording_only();
    let (task, awaited) = match entry {
        Entry::Step(task) => (task, None),
        Entry::Wake { task, future } => (task, Some(future)),
        Entry::Run(handle) => return run_entry(event_loop, Entry::Run(handle)),
        Entry::Throw { task, exception } => {
            return run_entry(event_loop, Entry::Throw { task, exception });
        }
        Entry::Call {
            callable,
            argument,
            context,
        } => {
            let entry = Entry::Call {
                callable,
                argument,
                context,
            };
            return run_entry(event_loop, entry);
        }
        Entry::Readable(transport) => return run_entry(event_loop, Entry::Readable(transport)),
        Entry::Writable(transport) => return run_entry(event_loop, Entry::Writable(transport)),
        Entry::Operation(operation) => {
            return run_entry(event_loop, Entry::Operation(operation));
        }
    };
    if recorded {
        run_task_recorded(event_loop, task, awaited)
    } else {
        run_entry(event_loop, step_entry(task, awaited))
    }
}

/// A Task that has received or sent a lot goes on at once, if nobody else was woken: see [`Instance::hurry`].
#[inline(never)]
fn run_hurried(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    let place = event_loop.hurried.replace(0);
    if event_loop.stopping.get() {
        // The next run begins with it.
        return Ok(());
    }
    let woken = {
        let mut ready = event_loop.ready.borrow_mut();
        match ready.back() {
            Some(Entry::Wake { .. }) if ready.len() == place => ready.pop_back(),
            _ => None,
        }
    };
    match woken {
        Some(entry) => run_entry(event_loop, entry),
        None => Ok(()),
    }
}

/// Whether only the loop's own descriptors are watched.
#[inline(always)]
fn alone(event_loop: &Instance<LoopBody>) -> bool {
    event_loop.watchers.borrow().len() <= event_loop.own_descriptors.get()
}

#[inline(always)]
fn note_ran(event_loop: &Instance<LoopBody>, entries: u32) {
    event_loop.budget.borrow_mut().ran(entries);
}

/// Step 1 and 2.
#[inline(always)]
fn poll_if_due(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    if event_loop.stopping.get() {
        // The last turn is a whole one, with descriptors and timers.
        return poll(event_loop, Timeout::Now);
    }
    if !event_loop.ready.borrow().is_empty() {
        if event_loop.selecting.get() {
            return poll(event_loop, Timeout::Now);
        }
        let times = if alone(event_loop) { POLL_RARELY } else { 1 };
        if !event_loop.budget.borrow().spent_times(times, monotonic_ns) {
            return Ok(());
        }
        return poll(event_loop, Timeout::Now);
    }
    wait_idle(event_loop)
}

/// Nothing is ready: sleep until something happens.
#[inline(never)]
fn wait_idle(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    if !event_loop.holding.borrow().is_empty() {
        // Before the timers are looked at: what it tells protocols may make some.
        send_held(event_loop)?;
    }
    drop_cancelled_timers(event_loop);
    let next = event_loop.timers.borrow().next_deadline();
    let now = if next.is_some() { event_loop.now()? } else { 0 };
    let timeout = wait_time(false, false, next, now);
    if let Timeout::Now = timeout {
        // A timer is due: the kernel is asked on the way, without sleeping.
        return poll(event_loop, Timeout::Now);
    }
    event_loop.retract_task();
    poll(event_loop, timeout)
}

/// As `_run_once` of asyncio does it: nobody is woken for a cancelled timer, and a wait without a deadline is cheaper for us
/// and for the kernel.
///
/// # Reentrancy
/// Dropping a Handle may run any Python code, which may make and cancel timers.
#[inline(always)]
fn drop_cancelled_timers(event_loop: &Instance<LoopBody>) {
    loop {
        let cancelled = {
            let mut timers = event_loop.timers.borrow_mut();
            let head = timers.peek().and_then(Object::instance_of::<HandleBody>);
            match head {
                Some(handle) if handle.is_cancelled() => handle.scheduled.set(false),
                _ => return,
            }
            timers.note_cancelled_left();
            timers.pop()
        };
        drop(cancelled);
    }
}

/// Asks the kernel, and queues the Handles of ready descriptors.
#[inline(never)]
fn poll(event_loop: &Instance<LoopBody>, timeout: Timeout) -> PyResult<()> {
    replaced_run::look(event_loop)?;
    if !event_loop.holding.borrow().is_empty() {
        // Nothing may wait for what was not sent.
        send_held(event_loop)?;
    }
    let mut gathering = event_loop.gathering.get();
    gathering.polled();
    event_loop.gathering.set(gathering);
    if event_loop.selecting.get() {
        select_by_python(event_loop, timeout)?;
        return threads::check_signals();
    }
    let events = ask_kernel(event_loop, timeout)?;
    let queued = queue_ready_descriptors(event_loop, &events);
    give_back(event_loop, events);
    queued?;
    // A signal may have ended the wait, or arrived while only native code ran.
    threads::check_signals()
}

/// Waits for the kernel, without the GIL unless it is asked on the way; [`give_back`] has to follow.
///
/// # Errors
/// `OSError` if the kernel refuses to wait.
///
/// # Reentrancy
/// Other threads may run Python code; so may a replaced `time()`.
#[inline(always)]
pub(super) fn ask_kernel(
    event_loop: &Instance<LoopBody>,
    timeout: Timeout,
) -> PyResult<EventBuffer> {
    let (poller, waker) = match (&*event_loop.reactor.borrow(), &*event_loop.waker.borrow()) {
        (Some(reactor), Some(waker)) => (reactor.poller(), waker.clone()),
        _ => return Err(failures::loop_is_closed()),
    };
    let mut events = event_loop
        .events
        .take()
        .unwrap_or_else(|| EventBuffer::new(64));
    let mut slept_since = None;
    let waited = if let Timeout::Now = timeout {
        poller.wait(&mut events, timeout)
    } else {
        waker.prepare_sleep();
        // What came before this line saw a loop awake and wrote nothing: look once more.
        let awake = event_loop.stopping.get() || !event_loop.ready.borrow().is_empty();
        let timeout = if awake { Timeout::Now } else { timeout };
        let start = monotonic_ns();
        recorded::loop_rests(event_loop);
        let waited = threads::detached(|| poller.wait(&mut events, timeout));
        waker.finish_sleep();
        slept_since = Some(start);
        waited
    };
    let failed = match waited {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        Err(error) => Err(raise_os_error(&error)),
    };
    let polled = monotonic_ns();
    if let Some(start) = slept_since {
        if event_loop.counters.on() {
            event_loop.counters.slept(start, polled);
        }
        recorded::loop_runs(event_loop, polled);
    }
    if event_loop.time_overridden.get() {
        event_loop.now()?;
    } else {
        event_loop.known_now.set(polled);
    }
    event_loop.budget.borrow_mut().polled(polled);
    failed.map(|()| events)
}

/// Keeps the memory for the next look.
#[inline(always)]
pub(super) fn give_back(event_loop: &Instance<LoopBody>, mut events: EventBuffer) {
    events.clear();
    event_loop.events.set(Some(events));
}

/// Whether a report of the kernel is about who is registered now. Whoever looks at reports asks this of each.
#[inline(always)]
pub(super) fn arrives(event_loop: &Instance<LoopBody>, event: Event) -> bool {
    let current = event_loop
        .reactor
        .borrow()
        .as_ref()
        .is_some_and(|reactor| reactor.is_current(event.token));
    if current {
        event_loop.note_edge(event.token.fd, event.exceptional);
    }
    current
}

/// Step 2: what `_process_events` of asyncio's selector loop does.
fn queue_ready_descriptors(event_loop: &Instance<LoopBody>, events: &EventBuffer) -> PyResult<()> {
    for event in events.iter() {
        if !arrives(event_loop, event) {
            continue;
        }
        for (ready, side) in [
            (event.readable, Side::Reader),
            (event.writable, Side::Writer),
        ] {
            if !ready {
                continue;
            }
            let watch = event_loop
                .watchers
                .borrow()
                .get(event.token.fd, side)
                .cloned();
            let handle = match (watch, side) {
                (None, _) => continue,
                (Some(Watch::Handle(handle)), _) => handle,
                (Some(Watch::Transport(transport)), Side::Reader) => {
                    let entry = Entry::Readable(transport);
                    event_loop.ready.borrow_mut().push_back(entry);
                    continue;
                }
                (Some(Watch::Transport(transport)), Side::Writer) => {
                    let entry = Entry::Writable(transport);
                    event_loop.ready.borrow_mut().push_back(entry);
                    continue;
                }
                (Some(Watch::Operation(operation)), _) => {
                    let entry = Entry::Operation(operation);
                    event_loop.ready.borrow_mut().push_back(entry);
                    continue;
                }
            };
            let cancelled = handle
                .instance_of::<HandleBody>()
                .is_some_and(|handle| handle.is_cancelled());
            if cancelled {
                drop(event_loop.unwatch(event.token.fd, side)?);
            } else {
                event_loop.ready.borrow_mut().push_back(Entry::Run(handle));
            }
        }
    }
    Ok(())
}

/// Step 3: moves due timers into the ready queue.
#[inline(never)]
fn collect_due_timers(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    let now = event_loop.known_now.get();
    loop {
        let Some(timer) = event_loop.timers.borrow_mut().pop_due(now) else {
            return Ok(());
        };
        let cancelled = match timer.instance_of::<HandleBody>() {
            Some(handle) => {
                handle.scheduled.set(false);
                handle.is_cancelled()
            }
            None => false,
        };
        if cancelled {
            event_loop.timers.borrow_mut().note_cancelled_left();
            drop(timer);
        } else {
            event_loop.ready.borrow_mut().push_back(Entry::Run(timer));
        }
    }
}

/// The Future that a timer of `asyncio.sleep` completes, and its result: such a timer needs
/// no call into Python.
#[inline(always)]
pub(super) fn sleep_timer(handle: &Object) -> Option<(Object, Object)> {
    let timer = handle.exactly::<TimerHandleBody>()?;
    let callback = timer.handle.callback.get()?;
    if !callback.is(&imports().set_result_unless_cancelled) {
        return None;
    }
    match timer.handle.arguments.get()? {
        CallArguments::Two(future, result) if future.exactly::<FutureBody>().is_some() => {
            Some((future, result))
        }
        _ => None,
    }
}
