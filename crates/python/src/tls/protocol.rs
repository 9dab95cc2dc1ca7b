//! The memory of a TLS connection: what asyncio's `SSLProtocol` keeps in attributes and the hot path reads.

use std::cell::{Cell, OnceCell};
use std::ffi::CStr;

use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, Raised, exception_matches, restore};
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell};
use crate::interop::interned::{Name, intern};
use crate::interop::object::{Object, Slot};
use crate::interop::openssl::{Connection, Watch};
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::transport::Delivery;

/// `_incoming_high_water` and its like (bytes).
pub(super) struct Limits {
    pub(super) low: Cell<u64>,
    pub(super) high: Cell<u64>,
}

impl Limits {
    const fn none() -> Limits {
        Limits {
            low: Cell::new(0),
            high: Cell::new(0),
        }
    }

    /// Whether flow control has anything to do.
    #[inline(always)]
    pub(super) fn concern(&self, size: u64, paused: bool) -> bool {
        if paused {
            size <= self.low.get()
        } else {
            size >= self.high.get()
        }
    }
}

/// The state of one connection. No cell is kept open while Python code runs.
pub(crate) struct ProtocolBody {
    /// The `SSL`; none before [`Instance::attach`], and for good where that was not possible.
    pub(super) connection: OnceCell<Connection>,
    /// From `__init__` to [`Instance::attach`].
    watch: Cell<Option<Watch>>,
    /// `_loop`
    pub(super) event_loop: Slot,
    /// `_state`
    pub(super) state: Slot,
    /// Whether that is `SSLProtocolState.WRAPPED`.
    pub(super) wrapped: Cell<bool>,
    /// `_transport`: the one below.
    pub(super) below: Slot,
    /// `_app_protocol`
    pub(super) protocol: Slot,
    pub(super) delivery: Delivery,
    /// The last read of much ciphertext ended within a record.
    pub(super) in_record: Cell<bool>,
    /// `_app_reading_paused`
    pub(super) reading_paused: Cell<bool>,
    /// `_ssl_reading_paused`
    pub(super) socket_reading_paused: Cell<bool>,
    /// `_app_writing_paused`
    pub(super) writing_paused: Cell<bool>,
    /// `_ssl_writing_paused`
    pub(super) socket_writing_paused: Cell<bool>,
    /// `_write_buffer_size`: what waits in `_write_backlog` (bytes).
    pub(super) backlog: Cell<u64>,
    /// `_incoming_low_water`, `_incoming_high_water`
    pub(super) incoming: Limits,
    /// `_outgoing_low_water`, `_outgoing_high_water`
    pub(super) outgoing: Limits,
}

impl HeapType for ProtocolBody {
    const NAME: &'static CStr = c"tepal._native.TlsProtocolCore";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> ProtocolBody {
        ProtocolBody {
            connection: OnceCell::new(),
            watch: Cell::new(None),
            event_loop: Slot::empty(),
            state: Slot::empty(),
            wrapped: Cell::new(false),
            below: Slot::empty(),
            protocol: Slot::empty(),
            delivery: Delivery::none(),
            in_record: Cell::new(false),
            reading_paused: Cell::new(false),
            socket_reading_paused: Cell::new(false),
            writing_paused: Cell::new(false),
            socket_writing_paused: Cell::new(false),
            backlog: Cell::new(0),
            incoming: Limits::none(),
            outgoing: Limits::none(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        if let Some(connection) = self.connection.get() {
            connection.traverse(visitor);
        }
        for slot in [&self.event_loop, &self.state, &self.below, &self.protocol] {
            visitor.slot(slot);
        }
        self.delivery.traverse(visitor);
    }

    fn clear(&self) {
        // The connection stays: its owner refers to nothing of ours.
        for slot in [&self.event_loop, &self.state, &self.below, &self.protocol] {
            slot.clear();
        }
        self.delivery.clear();
    }
}

impl Instance<ProtocolBody> {
    /// `_watch()`: what `SSL` is made from now on, in this thread, is remembered.
    pub(super) fn watch(&self) {
        // Ended before the next begins: each puts back what it found.
        drop(self.watch.take());
        self.watch.set(Some(Watch::begin()));
    }

    /// `_attach(sslsocket)`: takes the `SSL` of an `_ssl._SSLSocket` that was made since [`Self::watch`]. Says whether
    /// the engine drives it from now on.
    pub(super) fn attach(&self, owner: &Object) -> bool {
        let Some(watch) = self.watch.take() else {
            return false;
        };
        if let Some(connection) = Connection::of(owner, &watch) {
            // Attached once: a second one is dropped.
            drop(self.connection.set(connection));
        }
        self.connection.get().is_some()
    }

    /// `_pending()`
    ///
    /// # Errors
    /// `MemoryError`.
    pub(super) fn pending(&self) -> PyResult<Object> {
        let (incoming, outgoing) = match self.connection.get() {
            Some(connection) => (connection.incoming_size(), connection.outgoing_size()),
            None => (0, 0),
        };
        values::tuple(vec![
            values::integer(incoming as u64)?,
            values::integer(outgoing as u64)?,
        ])
    }

    /// The `SSL`, in the state in which records are served here.
    #[inline(always)]
    pub(super) fn open_connection(&self) -> Option<&Connection> {
        if self.wrapped.get() {
            self.connection.get()
        } else {
            None
        }
    }

    /// The loop.
    ///
    /// # Errors
    /// `RuntimeError` if it is none of ours.
    #[inline(always)]
    pub(super) fn own_loop(&self) -> PyResult<Ref<LoopBody>> {
        let event_loop = self.event_loop.get().and_then(|object| object.to_ref());
        event_loop.ok_or_else(|| Builtin::RuntimeError.raise("the loop is none of tepal's"))
    }

    /// `_state = state`
    pub(super) fn set_state(&self, state: &Object) {
        self.wrapped.set(state.is(&imports().ssl_state_wrapped));
        self.state.set(state.clone());
    }

    /// `_app_protocol = protocol`
    ///
    /// # Errors
    /// What looking at the protocol raises.
    pub(super) fn set_protocol(&self, protocol: &Object) -> PyResult<()> {
        self.delivery.choose(protocol)?;
        self.protocol.set(protocol.clone());
        Ok(())
    }

    /// Calls a method of the connection's, by name.
    ///
    /// # Errors
    /// What it raises.
    pub(super) fn call_own(&self, name: &str) -> PyResult<Object> {
        let method = intern(name)?;
        let method = self.with_object(|this| calls::attribute(this, &method))?;
        calls::call(&method, [])
    }

    /// An attribute of the connection's.
    ///
    /// # Errors
    /// `AttributeError`.
    pub(super) fn own(&self, name: Name) -> PyResult<Object> {
        self.with_object(|this| calls::attribute(this, name.object()))
    }

    /// Sets an attribute of the connection's.
    ///
    /// # Errors
    /// What setting it raises.
    pub(super) fn set_own(&self, name: Name, value: &Object) -> PyResult<()> {
        self.with_object(|this| calls::set_attribute(this, name.object(), value))
    }

    /// What asyncio's methods do with an exception out of the data path: `Exception`s end the connection, others go on
    /// to whoever called.
    ///
    /// # Errors
    /// Exceptions that are no `Exception`; what `_fatal_error()` raises.
    #[cold]
    pub(super) fn failed(&self, raised: Raised) -> PyResult<()> {
        let exception = raised.take();
        if !exception_matches(&exception, &Builtin::Exception.class()) {
            return Err(restore(exception));
        }
        self.fatal_error(&exception)
    }

    /// `_fatal_error(exception, 'Fatal error on SSL protocol')`
    ///
    /// # Errors
    /// What the exception handler raises.
    #[cold]
    pub(super) fn fatal_error(&self, exception: &Object) -> PyResult<()> {
        let message = values::string("Fatal error on SSL protocol")?;
        self.with_object(|this| {
            calls::call_method(Name::FatalErrorUnderscore, [this, exception, &message])
        })
        .map(drop)
    }
}
