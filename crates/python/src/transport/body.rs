//! The memory of a stream transport.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::mem::offset_of;
use std::os::fd::RawFd;

use tepal_core::stream::{Burst, FlowControl, ReadSize, WriteQueue};

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::buffers::Bytes;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::instance::{
    HeapType, Instance, InstanceDict, Ref, TypeCell, WeakReferences, create,
};
use crate::interop::interned::{Name, intern};
use crate::interop::object::{Object, Slot};
use crate::interop::sockets;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;

use super::delivery::Delivery;
use super::holding::Held;

/// What waits to be sent: an immutable object, or a copy of what is not.
pub(crate) enum Chunk {
    Kept(Bytes),
    Copied(Box<[u8]>),
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        match self {
            Chunk::Kept(bytes) => bytes.as_ref(),
            Chunk::Copied(bytes) => bytes,
        }
    }
}

/// The memory of an instance of `asyncio.transports._FlowControlMixin`, behind CPython's head: its `__slots__` and those
/// of its bases. `loop.sendfile()` asks for an instance of that class.
#[repr(C)]
pub(crate) struct AsyncioBase {
    /// `_extra`
    pub(super) extra: Slot,
    /// `_high_water`, `_loop`, `_low_water`, `_protocol_paused`: hidden behind attributes of ours, and never filled.
    hidden: [Slot; 4],
}

impl AsyncioBase {
    /// As a new instance has it.
    pub(crate) const fn empty() -> AsyncioBase {
        AsyncioBase {
            extra: Slot::empty(),
            hidden: [const { Slot::empty() }; 4],
        }
    }

    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.extra);
        self.hidden.iter().for_each(|slot| visitor.slot(slot));
    }

    pub(crate) fn clear(&self) {
        self.extra.clear();
        self.hidden.iter().for_each(Slot::clear);
    }
}

/// The state of one transport. No cell is kept open while Python code runs.
#[repr(C)]
pub(crate) struct StreamBody {
    pub(super) asyncio: AsyncioBase,
    dict: InstanceDict,
    weak_references: WeakReferences,
    /// `_loop`; gone once the connection is lost.
    pub(super) event_loop: Slot<Ref<LoopBody>>,
    /// `_sock`; gone once the connection is lost.
    pub(super) socket: Slot,
    /// The socket is none of CPython's own, so that its methods have to be called.
    pub(super) foreign_socket: Cell<bool>,
    /// The number of forks at which the socket was accepted, unless others may have it.
    pub(super) alone_since: Cell<Option<u32>>,
    /// The last bytes were sent and wait for the end of the stream.
    pub(super) before_end: Cell<bool>,
    /// `_sock_fd`: the number under which the reactor knows the socket.
    pub(super) descriptor: Cell<RawFd>,
    pub(super) protocol: Slot,
    pub(super) delivery: Delivery,
    pub(super) server: Slot,
    /// The context of all callbacks, where the server or the caller brought one (3.15).
    pub(super) context: Slot,
    /// The context of the reads, as `_add_reader` would have given it to its Handle.
    pub(super) read_context: Slot,
    /// The context of the writes that wait for the kernel.
    pub(super) write_context: Slot,
    pub(super) queue: RefCell<WriteQueue<Chunk>>,
    /// Why the queue waits, if not for the kernel.
    pub(super) held: Cell<Held>,
    pub(super) burst: Cell<Burst>,
    pub(super) flow: Cell<FlowControl>,
    pub(super) read_size: Cell<ReadSize>,
    /// `max_size`: the most that one read asks for (bytes).
    pub(super) max_size: Cell<usize>,
    /// The Future of `loop.sendfile()` that waits until everything is sent.
    pub(super) empty_waiter: Slot,
    /// `_conn_lost`: 0, or 1 and how often was written since.
    pub(super) connection_lost: Cell<u32>,
    pub(super) closing: Cell<bool>,
    pub(super) eof: Cell<bool>,
    pub(super) paused: Cell<bool>,
    pub(super) protocol_connected: Cell<bool>,
}

impl HeapType for StreamBody {
    const NAME: &'static CStr = c"tepal._native.StreamTransport";
    const DICT: Option<usize> = Some(offset_of!(StreamBody, dict));
    const WEAKREFS: Option<usize> = Some(offset_of!(StreamBody, weak_references));
    const FINALIZES: bool = true;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> StreamBody {
        StreamBody {
            asyncio: AsyncioBase::empty(),
            dict: InstanceDict::new(),
            weak_references: WeakReferences::new(),
            event_loop: Slot::empty(),
            socket: Slot::empty(),
            foreign_socket: Cell::new(false),
            alone_since: Cell::new(None),
            before_end: Cell::new(false),
            descriptor: Cell::new(-1),
            protocol: Slot::empty(),
            delivery: Delivery::none(),
            server: Slot::empty(),
            context: Slot::empty(),
            read_context: Slot::empty(),
            write_context: Slot::empty(),
            queue: RefCell::new(WriteQueue::new()),
            held: Cell::new(Held::No),
            burst: Cell::new(Burst::default()),
            flow: Cell::new(FlowControl::default()),
            read_size: Cell::new(ReadSize::default()),
            max_size: Cell::new(tepal_core::constants::LARGEST_READ),
            empty_waiter: Slot::empty(),
            connection_lost: Cell::new(0),
            closing: Cell::new(false),
            eof: Cell::new(false),
            paused: Cell::new(false),
            protocol_connected: Cell::new(false),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        self.asyncio.traverse(visitor);
        self.dict.traverse(visitor);
        visitor.slot_with(&self.event_loop, |visitor, event_loop| {
            visitor.reference(event_loop);
        });
        for slot in [
            &self.socket,
            &self.protocol,
            &self.server,
            &self.context,
            &self.read_context,
            &self.write_context,
            &self.empty_waiter,
        ] {
            visitor.slot(slot);
        }
        self.delivery.traverse(visitor);
    }

    fn clear(&self) {
        self.asyncio.clear();
        self.dict.clear();
        self.event_loop.clear();
        self.socket.clear();
        self.release();
        self.empty_waiter.clear();
    }

    fn needs_finalize(&self) -> bool {
        !self.socket.is_empty()
    }

    fn finalize(this: &Instance<StreamBody>) {
        this.warn_unclosed();
    }
}

impl StreamBody {
    /// Whether Python code has put attributes on this transport, another `write` perhaps.
    #[inline(always)]
    pub(super) fn has_own_attributes(&self) -> bool {
        self.dict.is_used()
    }

    /// `is_closing()`
    #[inline(always)]
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// Gives up everything that only an open connection needs.
    pub(super) fn release(&self) {
        self.protocol.clear();
        self.delivery.clear();
        self.server.clear();
        self.context.clear();
        self.read_context.clear();
        self.write_context.clear();
    }
}

impl Instance<StreamBody> {
    /// Makes a transport, in state "made": [`Instance::start`] does the rest.
    ///
    /// # Errors
    /// What the socket's `fileno()` and looking at the protocol raise; `TypeError` for wrong arguments.
    pub(crate) fn make(
        event_loop: &Instance<LoopBody>,
        arguments: Arguments<'_>,
    ) -> PyResult<Ref<StreamBody>> {
        let [socket, protocol, extra, server, context] = arguments.bind(&Signature {
            function: "_new_stream_transport",
            names: [
                Name::Sock,
                Name::Protocol,
                Name::Extra,
                Name::Server,
                Name::Context,
            ],
            required: 5,
            positional: 5,
        })?;
        let none = Object::none;
        Instance::made_of(
            event_loop,
            &socket.unwrap_or_else(none),
            &protocol.unwrap_or_else(none),
            extra.unwrap_or_else(none),
            &server.unwrap_or_else(none),
            &context.unwrap_or_else(none),
        )
    }

    /// As [`Instance::make`]; `server` and `context` may be None.
    ///
    /// # Errors
    /// As [`Instance::make`].
    pub(super) fn made_of(
        event_loop: &Instance<LoopBody>,
        socket: &Object,
        protocol: &Object,
        extra: Object,
        server: &Object,
        context: &Object,
    ) -> PyResult<Ref<StreamBody>> {
        let given = |object: &Object| Some(object.clone()).filter(|object| !object.is_none());
        let transport = create(|| StreamBody {
            event_loop: Slot::holding(event_loop.reference()),
            server: Slot::new(given(server)),
            context: Slot::new(given(context)),
            ..StreamBody::blank()
        })?;
        transport.asyncio.extra.set(extra);
        let number = if sockets::is_socket(socket) {
            sockets::descriptor(socket)
        } else {
            let number = calls::call(&calls::attribute(socket, &intern("fileno")?)?, [])?;
            RawFd::try_from(values::to_integer(&number)?).unwrap_or(-1)
        };
        transport.descriptor.set(number);
        transport.set_protocol(protocol)?;
        transport.set_socket(socket)?;
        Ok(transport)
    }

    /// Schedules `connection_made`, and after it the first look at the socket and the end of `waiter`.
    ///
    /// # Errors
    /// What `call_soon` raises.
    pub(super) fn start(&self, waiter: &Object) -> PyResult<()> {
        let protocol = self.protocol.get_or_none();
        let made = calls::attribute(&protocol, Name::ConnectionMade.object())?;
        self.call_soon(made, self.object())?;
        let begin = self.with_object(|this| calls::attribute(this, Name::Begin.object()))?;
        self.call_soon(begin, waiter.clone())
    }

    /// `_sock`: whether the kernel can be asked directly is looked at once.
    ///
    /// # Errors
    /// As [`sockets::is_plain`].
    pub(super) fn set_socket(&self, socket: &Object) -> PyResult<()> {
        self.foreign_socket.set(!sockets::is_plain(socket)?);
        self.socket.set(socket.clone());
        Ok(())
    }

    /// The loop.
    ///
    /// # Errors
    /// `RuntimeError` once the connection is lost.
    #[inline(always)]
    pub(super) fn event_loop(&self) -> PyResult<Ref<LoopBody>> {
        match self.event_loop.get() {
            Some(event_loop) => Ok(event_loop),
            None => Err(Builtin::RuntimeError.raise("the transport is closed")),
        }
    }

    /// The context for a new callback: the connection's own, or a copy of the current one.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(super) fn callback_context(&self, event_loop: &Instance<LoopBody>) -> PyResult<Object> {
        match self.context.get() {
            Some(context) => Ok(context),
            None => event_loop.last_context.copy_current(),
        }
    }

    /// `loop.call_soon(callable, argument, context=self._context)`
    ///
    /// # Errors
    /// `RuntimeError` if the loop is closed; what a replaced `call_soon` raises.
    pub(super) fn call_soon(&self, callable: Object, argument: Object) -> PyResult<()> {
        let event_loop = self.event_loop()?;
        let context = self.callback_context(&event_loop)?;
        event_loop.schedule(|| Entry::Call {
            callable,
            argument: Some(argument),
            context,
        })
    }
}
