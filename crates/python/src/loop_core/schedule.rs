//! Putting work into the ready queue and the timer heap.

use std::sync::Arc;

use tepal_core::constants::HURRIED_BYTES;
use tepal_core::{Waker, monotonic_ns};

use crate::interop::calls;
use crate::interop::contextvars;
use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::threads;

use super::attention::{CLOSED, DEBUG, DEBUG_METHOD, OVERRIDDEN, RECORDING};
use super::body::LoopBody;
use super::entry::Entry;
use super::failures;
use super::loop_ref::LoopRef;

impl Instance<LoopBody> {
    /// Appends an entry to the ready queue; it is made right where it is needed, since one that is made elsewhere and copied
    /// costs the processor a wait for its own stores. `entry` may run no Python code.
    ///
    /// # Errors
    /// `RuntimeError` if the loop is closed, or, in debug mode, if this is not the thread
    /// that runs it; what a replaced `call_soon` raises.
    ///
    /// # Reentrancy
    /// Runs Python code only if `call_soon` was replaced.
    #[inline(always)]
    pub(crate) fn schedule(&self, entry: impl FnOnce() -> Entry) -> PyResult<()> {
        if self.attention.is_none() {
            self.ready.borrow_mut().push_back(entry());
            return Ok(());
        }
        self.schedule_with_care(entry)
    }

    /// Appends the first step of a Task, of which the recording knows already.
    ///
    /// # Errors
    /// As [`Self::schedule`].
    ///
    /// # Reentrancy
    /// As [`Self::schedule`].
    #[inline(always)]
    pub(crate) fn schedule_first(&self, entry: impl FnOnce() -> Entry) -> PyResult<()> {
        if self.attention.is_only_watched() {
            self.ready.borrow_mut().push_back(entry());
            return Ok(());
        }
        self.schedule_with_care(entry)
    }

    /// Appends the step of a Task that a future wakes.
    ///
    /// # Errors
    /// As [`Self::schedule`].
    ///
    /// # Reentrancy
    /// As [`Self::schedule`].
    #[inline(always)]
    pub(crate) fn schedule_wake(&self, task: Object, future: Object) -> PyResult<()> {
        if self.attention.is_none() {
            let mut ready = self.ready.borrow_mut();
            ready.push_back(Entry::Wake { task, future });
            return Ok(());
        }
        self.schedule_wake_with_care(task, future)
    }

    #[inline(never)]
    fn schedule_wake_with_care(&self, task: Object, future: Object) -> PyResult<()> {
        if !self.attention.is_only_watched() {
            return self.schedule_unusually(Entry::Wake { task, future });
        }
        if self.attention.has(RECORDING) {
            self.note_task_ready(&task);
        }
        let mut ready = self.ready.borrow_mut();
        ready.push_back(Entry::Wake { task, future });
        Ok(())
    }

    /// So many bytes were received or sent for the Task that is woken next. If they are many, it goes on as soon as the
    /// entry that wakes it has ended: what was received is still in the processor's caches, and what was sent is memory for
    /// the next.
    #[inline(always)]
    pub(crate) fn hurry(&self, bytes: usize) {
        if bytes >= HURRIED_BYTES {
            self.hurried.set(self.ready.borrow().len() + 1);
        }
    }

    #[inline(never)]
    fn schedule_with_care(&self, entry: impl FnOnce() -> Entry) -> PyResult<()> {
        if !self.attention.is_only_watched() {
            return self.schedule_unusually(entry());
        }
        let mut ready = self.ready.borrow_mut();
        ready.push_back(entry());
        if self.attention.has(RECORDING)
            && let Some(entry) = ready.back()
        {
            self.note_ready(entry);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn schedule_unusually(&self, entry: Entry) -> PyResult<()> {
        if self.attention.has(RECORDING) {
            self.note_ready(&entry);
        }
        if self.attention.has(OVERRIDDEN)
            && let Some(call) = entry.as_call()?
        {
            let context = match call.context {
                Some(context) => context,
                None => contextvars::copy_current()?,
            };
            return LoopRef::call_soon_foreign(
                &self.object(),
                &call.callable,
                call.argument.as_ref(),
                &context,
            );
        }
        self.check_open()?;
        if self.attention.has(DEBUG) {
            self.check_thread()?;
        }
        self.ready.borrow_mut().push_back(entry);
        Ok(())
    }

    /// `_check_closed`
    ///
    /// # Errors
    /// `RuntimeError`.
    #[inline(always)]
    pub(crate) fn check_open(&self) -> PyResult<()> {
        if self.attention.has(CLOSED) {
            Err(failures::loop_is_closed())
        } else {
            Ok(())
        }
    }

    /// `_check_thread`
    ///
    /// # Errors
    /// `RuntimeError` if the loop runs in another thread.
    pub(crate) fn check_thread(&self) -> PyResult<()> {
        let thread = self.thread.get();
        if thread == 0 || thread == threads::ident() {
            return Ok(());
        }
        Err(failures::wrong_thread())
    }

    /// Whether debug mode is on: asyncio asks `get_debug()`.
    ///
    /// # Errors
    /// What a replaced `get_debug` raises.
    #[inline(always)]
    pub(crate) fn is_debug(&self) -> PyResult<bool> {
        if self.attention.has(DEBUG_METHOD) {
            let answer = calls::call_method(Name::GetDebug, [&self.object()])?;
            return crate::interop::coroutines::is_true(&answer);
        }
        Ok(self.attention.has(DEBUG))
    }

    /// Wakes the loop if it waits in the kernel. The GIL is let go for that: the loop wants it as soon as it is awake, and
    /// would wait for this thread to come to a point where it gives it up.
    ///
    /// # Errors
    /// `OSError` if the descriptor cannot be written.
    ///
    /// # Reentrancy
    /// Other threads may run Python code.
    #[inline]
    pub(crate) fn wake(&self) -> PyResult<()> {
        let claimed = match &*self.waker.borrow() {
            Some(waker) if waker.claim() => waker.clone(),
            _ => return Ok(()),
        };
        signal(claimed)
    }

    /// The loop's time in nanoseconds: the monotonic clock, or what a replaced `time` says.
    ///
    /// # Errors
    /// What a replaced `time` raises.
    #[inline]
    pub(crate) fn now(&self) -> PyResult<u64> {
        let now = if self.time_overridden.get() {
            let this = self.object();
            let seconds = calls::call_method(Name::Time, [&this])?;
            nanoseconds(crate::interop::values::to_float(&seconds)?)
        } else {
            monotonic_ns()
        };
        self.known_now.set(now);
        Ok(now)
    }
}

/// Seconds as nanoseconds, rounded up so that nothing fires early; what lies before zero
/// is zero, what lies beyond the clock's range is its end (after some 584 years).
#[inline(always)]
pub(crate) fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).ceil() as u64
}

#[inline(never)]
fn signal(waker: Arc<Waker>) -> PyResult<()> {
    threads::detached(move || waker.signal())
        .map_err(|error| crate::interop::errors::raise_os_error(&error))
}
