//! The attributes of an `asyncio.StreamReader`, looked up in its `__dict__`: a third of the time of a look-up along the
//! class, which has none of these names, and no Python code runs.

use crate::future::FutureBody;
use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::values;

/// A reader's (or a protocol's) `__dict__`.
#[derive(Clone)]
pub(super) struct Fields(Object);

impl Fields {
    /// The attributes of an object of a recognised class.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(super) fn of(object: &Object) -> PyResult<Fields> {
        calls::instance_dict(object).map(Fields)
    }

    /// The attribute's value.
    ///
    /// # Errors
    /// `AttributeError` if somebody has deleted it.
    #[inline(always)]
    pub(super) fn get(&self, name: Name) -> PyResult<Object> {
        match values::dict_get(&self.0, name.object())? {
            Some(value) => Ok(value),
            None => Err(Builtin::AttributeError.raise(name.text())),
        }
    }

    /// Whether there is such an attribute: a method that somebody has replaced on the object itself.
    #[inline(always)]
    pub(super) fn has(&self, name: Name) -> PyResult<bool> {
        Ok(values::dict_get(&self.0, name.object())?.is_some())
    }

    #[inline(always)]
    pub(super) fn set(&self, name: Name, value: &Object) -> PyResult<()> {
        values::dict_set(&self.0, name.object(), value)
    }

    /// `bool(attribute)`
    #[inline(always)]
    pub(super) fn is_set(&self, name: Name) -> PyResult<bool> {
        is_true(&self.get(name)?)
    }

    /// `_limit`, in bytes.
    #[inline(always)]
    pub(super) fn limit(&self) -> PyResult<usize> {
        let limit = values::to_saturated_integer(&self.get(Name::LimitUnderscore)?)?;
        Ok(usize::try_from(limit).unwrap_or(0))
    }

    /// `_wakeup_waiter()`
    ///
    /// # Errors
    /// What scheduling raises; what a foreign waiter raises.
    ///
    /// # Reentrancy
    /// Runs Python code if the waiter or `call_soon` is foreign.
    #[inline(always)]
    pub(super) fn wake_waiter(&self) -> PyResult<()> {
        let waiter = self.get(Name::Waiter)?;
        if waiter.is_none() {
            return Ok(());
        }
        self.set(Name::Waiter, &Object::none())?;
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

    /// `_maybe_resume_transport()`
    ///
    /// # Errors
    /// What `resume_reading` raises.
    #[inline(always)]
    pub(super) fn maybe_resume_transport(&self, buffered: usize) -> PyResult<()> {
        if !self.is_set(Name::PausedUnderscore)? || buffered > self.limit()? {
            return Ok(());
        }
        self.resume_transport()
    }

    /// Takes `_paused` back and lets the transport read on.
    ///
    /// # Errors
    /// What `resume_reading` raises.
    pub(super) fn resume_transport(&self) -> PyResult<()> {
        self.set(Name::PausedUnderscore, &Object::from_bool(false))?;
        let transport = self.get(Name::TransportUnderscore)?;
        let resume = calls::attribute(&transport, &intern("resume_reading")?)?;
        calls::call(&resume, []).map(drop)
    }

    /// Takes the first `count` bytes out of the buffer.
    ///
    /// # Errors
    /// `BufferError` if somebody holds a view of the buffer; `MemoryError`.
    #[inline(always)]
    pub(super) fn take(&self, buffer: &Object, count: usize) -> PyResult<Object> {
        let taken = buffers::bytearray_take(buffer, count)?;
        self.maybe_resume_transport(buffers::bytearray_length(buffer))?;
        Ok(taken)
    }

    /// Shows the reference to the collector.
    pub(super) fn traverse(&self, visitor: &mut Visitor) {
        visitor.object(&self.0);
    }
}
