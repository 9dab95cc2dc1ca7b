//! The state of an adopted `asyncio.StreamReader`: what asyncio keeps in the reader's `__dict__`.
//!
//! The transport that reads for it, the reads that wait and the reader's own attributes (`_buffer`, `_eof`, `_waiter`
//! ..., through which asyncio's methods reach it) all work on this one object.

use std::cell::Cell;
use std::ffi::CStr;

use crate::future::FutureBody;
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, create};
use crate::interop::interned::{Name, intern};
use crate::interop::object::{Object, Slot};
use crate::interop::type_builder::TypeBuilder;
use crate::loop_core::body::LoopBody;

use super::received::Received;

/// What belongs to one reader.
pub(crate) struct ReaderState {
    pub(crate) received: Received,
    /// The Future of the read that waits.
    pub(super) waiter: Slot,
    /// How much that read can use at once (bytes); 0 if that is not known.
    pub(crate) wanted: Cell<usize>,
    pub(super) exception: Slot,
    pub(super) event_loop: Slot,
    pub(super) transport: Slot,
    /// `_limit`, in bytes.
    pub(super) limit: Cell<usize>,
    pub(super) eof: Cell<bool>,
    pub(super) paused: Cell<bool>,
    /// Somebody has replaced, on this one reader, what is passed by: asyncio's own methods do everything then.
    pub(super) patched: Cell<bool>,
}

impl HeapType for ReaderState {
    const NAME: &'static CStr = c"tepal._native.StreamReaderState";
    const FREE_LIST: usize = 64;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> ReaderState {
        ReaderState {
            received: Received::nothing(),
            waiter: Slot::empty(),
            wanted: Cell::new(0),
            exception: Slot::empty(),
            event_loop: Slot::empty(),
            transport: Slot::empty(),
            limit: Cell::new(0),
            eof: Cell::new(false),
            paused: Cell::new(false),
            patched: Cell::new(false),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        self.received.traverse(visitor);
        for slot in [
            &self.waiter,
            &self.exception,
            &self.event_loop,
            &self.transport,
        ] {
            visitor.slot(slot);
        }
    }

    fn clear(&self) {
        self.received.clear();
        self.waiter.clear();
        self.exception.clear();
        self.event_loop.clear();
        self.transport.clear();
    }
}

impl Instance<ReaderState> {
    /// A state as of a reader that was made just now, but without a loop and a limit.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(super) fn make() -> PyResult<Ref<ReaderState>> {
        create(ReaderState::blank)
    }

    /// Whether `drain()` has an exception to raise.
    #[inline(always)]
    pub(crate) fn has_failed(&self) -> bool {
        !self.exception.is_empty()
    }

    /// Whether reads and packets may pass asyncio's methods by.
    #[inline(always)]
    pub(crate) fn is_native(&self) -> bool {
        !self.patched.get()
    }

    /// Whether a packet can be kept without `feed_data()`.
    #[inline(always)]
    pub(crate) fn can_be_fed(&self) -> bool {
        !self.patched.get() && !self.eof.get()
    }

    /// Whether announcing a packet needs no Python code.
    #[inline(always)]
    pub(crate) fn wakes_natively(&self) -> bool {
        let buffered = self.received.len();
        let waiter = self.waiter.get();
        buffered <= self.limit.get().saturating_mul(2)
            && waiter.is_none_or(|waiter| waiter.exactly::<FutureBody>().is_some())
    }

    /// What `feed_data()` does once there is more to read: wakes who waits, and pauses a transport that is too fast.
    ///
    /// # Errors
    /// What scheduling, a foreign waiter and `pause_reading` raise.
    ///
    /// # Reentrancy
    /// Runs Python code if the waiter, `call_soon` or the transport is foreign.
    #[inline(always)]
    pub(crate) fn announce(&self) -> PyResult<()> {
        self.wake_waiter()?;
        if self.received.len() > self.limit.get().saturating_mul(2) {
            self.pause()?;
        }
        Ok(())
    }

    /// `_wakeup_waiter()`
    #[inline(always)]
    fn wake_waiter(&self) -> PyResult<()> {
        let Some(waiter) = self.waiter.take() else {
            return Ok(());
        };
        if let Some(future) = waiter.exactly::<FutureBody>() {
            if future.is_cancelled() {
                return Ok(());
            }
            return future.set_result(Object::none());
        }
        if !is_true(&calls::call_method(Name::Cancelled, [&waiter])?)? {
            calls::call_method(Name::SetResult, [&waiter, &Object::none()])?;
        }
        Ok(())
    }

    #[cold]
    fn pause(&self) -> PyResult<()> {
        let Some(transport) = self.transport.get() else {
            return Ok(());
        };
        if self.paused.get() {
            return Ok(());
        }
        let pause = calls::attribute(&transport, &intern("pause_reading")?)?;
        match calls::call(&pause, []) {
            Ok(_) => self.paused.set(true),
            Err(raised) if raised.is(Builtin::NotImplementedError) => {
                raised.forget();
                self.transport.clear();
            }
            Err(raised) => return Err(raised),
        }
        Ok(())
    }

    /// Takes `_paused` back and lets the transport read on.
    ///
    /// # Errors
    /// What `resume_reading` raises.
    pub(super) fn resume_transport(&self) -> PyResult<()> {
        self.paused.set(false);
        let transport = self.transport.get_or_none();
        let resume = calls::attribute(&transport, &intern("resume_reading")?)?;
        calls::call(&resume, []).map(drop)
    }

    /// Takes the first `count` bytes, and lets a paused transport read on if few enough are left.
    ///
    /// # Errors
    /// `BufferError` if somebody holds a view of the buffer; `MemoryError`; what `resume_reading` raises.
    #[inline(always)]
    pub(super) fn take(&self, count: usize) -> PyResult<Object> {
        let taken = self.received.take(count)?;
        if self.paused.get() && self.received.len() <= self.limit.get() {
            self.resume_transport()?;
        }
        Ok(taken)
    }

    /// The Future that a read waits for.
    ///
    /// # Errors
    /// `MemoryError`; what a foreign loop's `create_future` raises.
    #[inline(always)]
    pub(super) fn new_waiter(&self) -> PyResult<Object> {
        let event_loop = self.event_loop.get_or_none();
        match event_loop.instance_of::<LoopBody>() {
            Some(event_loop) => Ok(Instance::<FutureBody>::make(event_loop)?.into_object()),
            None => calls::call_method(Name::CreateFuture, [&event_loop]),
        }
    }
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    TypeBuilder::<ReaderState>::new(c"The state of a stream reader.")
        .not_constructible()
        .build()
}
