//! How what was read reaches the protocol.

use std::cell::Cell;

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::{Object, Slot};

use crate::stream_reader;

use super::body::StreamBody;

/// Which way the bytes take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// `protocol.data_received(data)`
    Data,
    /// Into the buffer of the `asyncio.StreamReader` behind an `asyncio.StreamReaderProtocol`
    Reader,
    /// `protocol.get_buffer(-1)` and `protocol.buffer_updated(count)`
    Buffer,
}

/// The way, and the protocol's bound methods, which are looked up with the first packet after each `set_protocol`.
pub(super) struct Delivery {
    way: Cell<Way>,
    /// `data_received` or `get_buffer`
    first: Slot,
    /// `buffer_updated`
    second: Slot,
}

impl Delivery {
    pub(super) const fn none() -> Delivery {
        Delivery {
            way: Cell::new(Way::Data),
            first: Slot::empty(),
            second: Slot::empty(),
        }
    }

    pub(super) fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.first);
        visitor.slot(&self.second);
    }

    pub(super) fn clear(&self) {
        self.first.clear();
        self.second.clear();
    }

    #[inline(always)]
    pub(super) fn way(&self) -> Way {
        self.way.get()
    }
}

impl Instance<StreamBody> {
    /// `set_protocol(protocol)`
    ///
    /// # Errors
    /// What `isinstance(protocol, asyncio.BufferedProtocol)` raises.
    pub(super) fn set_protocol(&self, protocol: &Object) -> PyResult<()> {
        let way = if calls::is_instance(protocol, &imports().buffered_protocol)? {
            Way::Buffer
        } else if stream_reader::is_recognised(protocol)? {
            stream_reader::adopt(protocol)?;
            Way::Reader
        } else {
            Way::Data
        };
        self.delivery.clear();
        self.delivery.way.set(way);
        self.protocol.set(protocol.clone());
        self.protocol_connected.set(true);
        Ok(())
    }

    /// `protocol.data_received`
    ///
    /// # Errors
    /// What the look-up raises.
    #[inline(always)]
    pub(super) fn data_received(&self) -> PyResult<Object> {
        self.protocol_method(&self.delivery.first, Name::DataReceived)
    }

    /// `protocol.get_buffer`
    ///
    /// # Errors
    /// What the look-up raises.
    pub(super) fn get_buffer(&self) -> PyResult<Object> {
        self.protocol_method(&self.delivery.first, Name::GetBuffer)
    }

    /// `protocol.buffer_updated`
    ///
    /// # Errors
    /// What the look-up raises.
    pub(super) fn buffer_updated(&self) -> PyResult<Object> {
        self.protocol_method(&self.delivery.second, Name::BufferUpdated)
    }

    #[inline(always)]
    fn protocol_method(&self, known: &Slot, name: Name) -> PyResult<Object> {
        match known.get() {
            Some(method) => Ok(method),
            None => self.look_up(known, name),
        }
    }

    #[cold]
    fn look_up(&self, known: &Slot, name: Name) -> PyResult<Object> {
        let protocol = self.protocol.get_or_none();
        let method = calls::attribute(&protocol, name.object())?;
        // The look-up may have run Python code that set another protocol.
        if self.protocol.is(&protocol) {
            known.set(method.clone());
        }
        Ok(method)
    }
}
