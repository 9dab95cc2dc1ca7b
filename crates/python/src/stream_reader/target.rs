//! From a transport into the reader of a `StreamReaderProtocol`.

use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::values;

use super::adoption::{is_known_protocol, is_known_reader};
use super::fields::Fields;

/// Whether this is an `asyncio.StreamReaderProtocol`, itself and no subclass, without a `data_received` of its own.
///
/// # Errors
/// What looking at `__dict__` raises.
pub(crate) fn is_recognised(protocol: &Object) -> PyResult<bool> {
    if !is_known_protocol(protocol) {
        return Ok(false);
    }
    Ok(!has_own(protocol, Name::DataReceived)?)
}

/// Whether the instance has an attribute of that name beside the class's.
pub(super) fn has_own(object: &Object, name: Name) -> PyResult<bool> {
    let dict = calls::instance_dict(object)?;
    Ok(values::dict_get(&dict, name.object())?.is_some())
}

/// A reader that can be fed from here, in its usual state.
pub(crate) struct Target {
    fields: Fields,
    buffer: Object,
}

impl Target {
    /// The reader of a recognised protocol; `None` if asyncio's own methods have to do it: the reader is gone, is of
    /// another class, has seen the end of the stream, or somebody has replaced a method that would be passed by.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(crate) fn of(protocol: &Object) -> PyResult<Option<Target>> {
        if !is_known_protocol(protocol) {
            return Ok(None);
        }
        let protocol = Fields::of(protocol)?;
        if protocol.has(Name::DataReceived)? {
            return Ok(None);
        }
        let reference = protocol.get(Name::StreamReaderWeakly)?;
        let Some(reader) = calls::weakly_referenced(&reference) else {
            return Ok(None);
        };
        if !is_known_reader(&reader) {
            return Ok(None);
        }
        let fields = Fields::of(&reader)?;
        let buffer = fields.get(Name::BufferUnderscore)?;
        if !buffers::is_exact_bytearray(&buffer)
            || fields.is_set(Name::EofUnderscore)?
            || fields.has(Name::FeedData)?
        {
            return Ok(None);
        }
        Ok(Some(Target { fields, buffer }))
    }

    /// `reader._buffer.extend(content)`
    ///
    /// # Errors
    /// `BufferError` if somebody holds a view of the buffer; `MemoryError`.
    #[inline(always)]
    pub(crate) fn extend(&self, content: &[u8]) -> PyResult<()> {
        buffers::bytearray_extend(&self.buffer, content)
    }

    /// What `feed_data` does once the buffer has grown: wakes who waits, and pauses a transport that is too fast.
    ///
    /// # Errors
    /// What scheduling, a foreign waiter and `pause_reading` raise.
    #[inline(always)]
    pub(crate) fn announce(&self) -> PyResult<()> {
        self.fields.wake_waiter()?;
        let buffered = buffers::bytearray_length(&self.buffer);
        if buffered > self.fields.limit()?.saturating_mul(2) {
            self.pause()?;
        }
        Ok(())
    }

    #[cold]
    fn pause(&self) -> PyResult<()> {
        let fields = &self.fields;
        let transport = fields.get(Name::TransportUnderscore)?;
        if transport.is_none() || fields.is_set(Name::PausedUnderscore)? {
            return Ok(());
        }
        let pause = calls::attribute(&transport, &intern("pause_reading")?)?;
        match calls::call(&pause, []) {
            Ok(_) => fields.set(Name::PausedUnderscore, &Object::from_bool(true)),
            Err(raised) if raised.is(Builtin::NotImplementedError) => {
                raised.forget();
                fields.set(Name::TransportUnderscore, &Object::none())
            }
            Err(raised) => Err(raised),
        }
    }
}
