//! How what was read reaches the protocol.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{Instance, Ref};
use crate::interop::interned::Name;
use crate::interop::object::{Object, Slot};

use crate::stream_reader::{self, ReaderState};

use super::body::StreamBody;

/// Which way the bytes take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `protocol.data_received(data)`
    Data,
    /// To the state of the `asyncio.StreamReader` behind an `asyncio.StreamReaderProtocol`
    Reader,
    /// `protocol.get_buffer(-1)` and `protocol.buffer_updated(count)`
    Buffer,
    /// To the layer above, which is native ([`Upper`])
    Upper,
}

/// A native layer between a transport and the program's protocol: TLS.
pub(crate) struct Upper {
    /// Whether this protocol is of that layer.
    pub(crate) recognises: fn(&Object) -> bool,
    /// Takes what was received.
    pub(crate) received: fn(&Object, &[u8]) -> PyResult<()>,
    /// `transport.write(data)`, if the transport is of that layer.
    pub(crate) write: fn(&Object, &Object) -> Option<PyResult<()>>,
    /// Whether the transport is of that layer and not closing.
    pub(crate) is_open: fn(&Object) -> bool,
}

static UPPER: OnceLock<&'static Upper> = OnceLock::new();

/// Makes the native layer known; the first one stays.
pub(crate) fn install_upper(upper: &'static Upper) {
    UPPER.get_or_init(|| upper);
}

/// The native layer.
#[inline(always)]
pub(super) fn upper() -> Option<&'static Upper> {
    UPPER.get().copied()
}

/// The way, and the protocol's bound methods, which are looked up with the first packet after each `set_protocol`.
pub(crate) struct Delivery {
    way: Cell<Way>,
    /// `data_received` or `get_buffer`
    first: Slot,
    /// `buffer_updated`
    second: Slot,
    reader: Slot<Ref<ReaderState>>,
}

impl Delivery {
    pub(crate) const fn none() -> Delivery {
        Delivery {
            way: Cell::new(Way::Data),
            first: Slot::empty(),
            second: Slot::empty(),
            reader: Slot::empty(),
        }
    }

    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.first);
        visitor.slot(&self.second);
        visitor.slot_with(&self.reader, |visitor, reader| visitor.reference(reader));
    }

    pub(crate) fn clear(&self) {
        self.first.clear();
        self.second.clear();
        self.reader.clear();
    }

    /// The state of the reader, on the way [`Way::Reader`].
    #[inline(always)]
    pub(crate) fn reader(&self) -> Option<Ref<ReaderState>> {
        self.reader.get()
    }

    #[inline(always)]
    pub(crate) fn way(&self) -> Way {
        self.way.get()
    }

    /// Chooses the way to another protocol.
    ///
    /// # Errors
    /// What `isinstance(protocol, asyncio.BufferedProtocol)` raises.
    pub(crate) fn choose(&self, protocol: &Object) -> PyResult<()> {
        let mut reader = None;
        let mut way = Way::Data;
        if upper().is_some_and(|upper| (upper.recognises)(protocol)) {
            way = Way::Upper;
        } else if stream_reader::is_recognised(protocol)? {
            reader = stream_reader::adopt(protocol)?;
        } else if calls::is_instance(protocol, &imports().buffered_protocol)? {
            way = Way::Buffer;
        }
        if reader.is_some() {
            way = Way::Reader;
        }
        self.clear();
        drop(self.reader.replace(reader));
        self.way.set(way);
        Ok(())
    }

    /// As [`Delivery::choose`], for a pipe: asyncio's know neither buffered protocols nor TLS.
    ///
    /// # Errors
    /// What looking at the protocol raises.
    pub(super) fn choose_for_pipe(&self, protocol: &Object) -> PyResult<()> {
        let reader = if stream_reader::is_recognised(protocol)? {
            stream_reader::adopt(protocol)?
        } else {
            None
        };
        let way = if reader.is_some() {
            Way::Reader
        } else {
            Way::Data
        };
        self.clear();
        drop(self.reader.replace(reader));
        self.way.set(way);
        Ok(())
    }

    /// `protocol.data_received`
    ///
    /// # Errors
    /// What the look-up raises.
    #[inline(always)]
    pub(crate) fn data_received(&self, protocol: &Slot) -> PyResult<Object> {
        method(&self.first, protocol, Name::DataReceived)
    }

    /// `protocol.get_buffer`
    ///
    /// # Errors
    /// What the look-up raises.
    pub(crate) fn get_buffer(&self, protocol: &Slot) -> PyResult<Object> {
        method(&self.first, protocol, Name::GetBuffer)
    }

    /// `protocol.buffer_updated`
    ///
    /// # Errors
    /// What the look-up raises.
    pub(crate) fn buffer_updated(&self, protocol: &Slot) -> PyResult<Object> {
        method(&self.second, protocol, Name::BufferUpdated)
    }
}

#[inline(always)]
fn method(known: &Slot, protocol: &Slot, name: Name) -> PyResult<Object> {
    match known.get() {
        Some(method) => Ok(method),
        None => look_up(known, protocol, name),
    }
}

#[cold]
fn look_up(known: &Slot, protocol: &Slot, name: Name) -> PyResult<Object> {
    let asked = protocol.get_or_none();
    let method = calls::attribute(&asked, name.object())?;
    // The look-up may have run Python code that set another protocol.
    if protocol.is(&asked) {
        known.set(method.clone());
    }
    Ok(method)
}

impl Instance<StreamBody> {
    /// `set_protocol(protocol)`
    ///
    /// # Errors
    /// As [`Delivery::choose`].
    pub(super) fn set_protocol(&self, protocol: &Object) -> PyResult<()> {
        // What was written before is not the new one's to pause for.
        self.settle()?;
        self.delivery.choose(protocol)?;
        self.protocol.set(protocol.clone());
        self.protocol_connected.set(true);
        Ok(())
    }
}
