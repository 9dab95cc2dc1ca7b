//! A datagram socket and its protocol.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::RawFd;

use tepal_core::datagram::{Address, BATCH, Batch, ipv6_text, send_to};
use tepal_core::socket;

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::buffers::{self, Bytes};
use crate::interop::calls;
use crate::interop::errors::{PyResult, Raised, raise_os_error, restore};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, create};
use crate::interop::interned::Name;
use crate::interop::methods::{with_arguments, with_one, without_arguments};
use crate::interop::object::{Object, Slot};
use crate::interop::sockets;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::shared_context::run_in;
use crate::loop_core::watchers::{Side, Watch};

/// An address in both forms.
struct Known {
    object: Object,
    address: Address,
}

/// See the module's table.
pub(crate) struct EndpointBody {
    event_loop: Slot<Ref<LoopBody>>,
    socket: Slot,
    protocol: Slot,
    /// asyncio's `sendto`, bound to the transport.
    sendto: Slot,
    read_context: Slot,
    descriptor: Cell<RawFd>,
    family: Cell<i64>,
    connected: Cell<bool>,
    disabled: Cell<bool>,
    /// Who sent the datagrams of the last batch: a server mostly answers one of them.
    senders: RefCell<[Option<Known>; BATCH]>,
    /// To whom was sent last.
    receiver: RefCell<Option<Known>>,
    /// Datagrams and their senders, received together with others and not handed over yet: the protocol has paused reading,
    /// or raised.
    kept: RefCell<Vec<(Object, Object)>>,
}

impl HeapType for EndpointBody {
    const NAME: &'static CStr = c"tepal._native.DatagramEndpoint";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> EndpointBody {
        EndpointBody {
            event_loop: Slot::empty(),
            socket: Slot::empty(),
            protocol: Slot::empty(),
            sendto: Slot::empty(),
            read_context: Slot::empty(),
            descriptor: Cell::new(-1),
            family: Cell::new(0),
            connected: Cell::new(false),
            disabled: Cell::new(true),
            senders: RefCell::new([const { None }; BATCH]),
            receiver: RefCell::new(None),
            kept: RefCell::new(Vec::new()),
        }
    }

    // Datagrams are `bytes`. Addresses are tuples of text and numbers, which are part of no cycle.
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot_with(&self.event_loop, |visitor, event_loop| {
            visitor.reference(event_loop);
        });
        visitor.slot(&self.socket);
        visitor.slot(&self.protocol);
        visitor.slot(&self.sendto);
        visitor.slot(&self.read_context);
    }

    fn clear(&self) {
        self.event_loop.clear();
        self.socket.clear();
        self.protocol.clear();
        self.sendto.clear();
        self.read_context.clear();
    }
}

impl Instance<EndpointBody> {
    /// Makes the endpoint of an Internet socket; it sends nothing by itself before `open()`.
    ///
    /// # Errors
    /// `TypeError` for wrong arguments.
    pub(crate) fn make(
        event_loop: &Instance<LoopBody>,
        arguments: Arguments<'_>,
    ) -> PyResult<Ref<EndpointBody>> {
        let [socket, family] = arguments.bind(&Signature {
            function: "_new_datagram_endpoint",
            names: [Name::Sock, Name::Family],
            required: 2,
            positional: 2,
        })?;
        let family = family.map_or(Ok(0), |family| values::to_integer(&family))?;
        let descriptor = socket.as_ref().map_or(-1, sockets::descriptor);
        create(|| EndpointBody {
            event_loop: Slot::holding(event_loop.reference()),
            socket: Slot::new(socket),
            descriptor: Cell::new(descriptor),
            family: Cell::new(family),
            ..EndpointBody::blank()
        })
    }

    /// Begins to read: the transport's `_add_reader`.
    ///
    /// # Errors
    /// `OSError` from the kernel; `RuntimeError` if the loop is closed.
    pub(crate) fn watch(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        self.read_context
            .set(event_loop.last_context.copy_current()?);
        let watch = Watch::Transport(self.object());
        let before = event_loop.watch(self.descriptor.get(), Side::Reader, watch)?;
        drop(before);
        self.go_on_later(event_loop)
    }

    fn release(&self) {
        self.disabled.set(true);
        HeapType::clear(&**self);
        drop((self.senders.take(), self.receiver.take(), self.kept.take()));
    }
}

/// `open(connected, sendto)`: from now on the hot path is in force.
fn open(this: &Instance<EndpointBody>, arguments: Arguments<'_>) -> PyResult<()> {
    let [connected, sendto] = arguments.bind(&Signature {
        function: "open",
        names: [Name::Connected, Name::Sendto],
        required: 2,
        positional: 2,
    })?;
    let connected = connected.map_or(Ok(false), |connected| {
        crate::interop::coroutines::is_true(&connected)
    })?;
    this.connected.set(connected);
    drop(this.sendto.replace(sendto));
    this.disabled.set(false);
    Ok(())
}

// Sending.

/// `sendto(data, addr=None)`: at once where nothing waits and nothing is unusual, else by asyncio's own code.
///
/// # Errors
/// As `asyncio.DatagramTransport.sendto`; what `error_received` raises.
fn sendto(this: &Instance<EndpointBody>, arguments: Arguments<'_>) -> PyResult<Object> {
    if let Some(answer) = send_at_once(this, &arguments) {
        return match answer {
            Ok(()) => Ok(Object::none()),
            Err(raised) => {
                let exception = raised.take();
                let protocol = this.protocol.get_or_none();
                calls::call_method(Name::ErrorReceived, [&protocol, &exception])?;
                Ok(Object::none())
            }
        };
    }
    let [data, address] = arguments.bind(&Signature {
        function: "_SelectorDatagramTransport.sendto",
        names: [Name::Data, Name::Addr],
        required: 1,
        positional: 2,
    })?;
    let (data, address) = (
        data.unwrap_or_else(Object::none),
        address.unwrap_or_else(Object::none),
    );
    calls::call(&this.sendto.get_or_none(), [&data, &address])
}

/// `None` if asyncio's code has to do it; the error is the kernel's.
#[inline(always)]
fn send_at_once(this: &Instance<EndpointBody>, arguments: &Arguments<'_>) -> Option<PyResult<()>> {
    let (data, address) = match (arguments.positional(), arguments.keyword_count()) {
        ([data], 0) => (data, None),
        ([data, address], 0) => (data, Some(address)),
        _ => return None,
    };
    let bytes = Bytes::peek(data).filter(|bytes| !bytes.is_empty())?;
    let event_loop = this.event_loop.get()?;
    let socket = this.socket.get()?;
    let descriptor = sockets::descriptor(&socket);
    // Something is queued exactly as long as the transport waits to write.
    let queued = event_loop
        .watchers
        .borrow()
        .get(descriptor, Side::Writer)
        .is_some();
    if this.disabled.get() || queued {
        return None;
    }
    let address = address.filter(|address| !address.is_none());
    let sent = match (this.connected.get(), address) {
        (true, None) => socket::send(descriptor, bytes).map(drop),
        (false, Some(address)) => send_to(descriptor, bytes, &this.address_of(address)?),
        _ => return None,
    };
    match sent {
        Ok(()) => Some(Ok(())),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
        Err(error) => Some(Err(raise_os_error(&error))),
    }
}

impl Instance<EndpointBody> {
    /// The kernel's form of an address that needs no resolver: a tuple with a literal of the socket's family.
    #[inline(always)]
    fn address_of(&self, object: &Object) -> Option<Address> {
        let is_meant = |known: &&Known| known.object.is(object);
        if let Some(known) = self.senders.borrow().iter().flatten().find(is_meant) {
            return Some(known.address);
        }
        if let Some(known) = self.receiver.borrow().as_ref().filter(is_meant) {
            return Some(known.address);
        }
        self.parse(object)
    }

    fn parse(&self, object: &Object) -> Option<Address> {
        if !values::is_exact_tuple(object) {
            return None;
        }
        let items = values::items(object).map_err(Raised::forget).ok()?;
        let [host, port] = items.as_slice() else {
            return None;
        };
        let ip: IpAddr = values::text(host)?.parse().ok()?;
        let family = match ip {
            IpAddr::V4(_) => libc::AF_INET,
            IpAddr::V6(_) => libc::AF_INET6,
        };
        let port = values::to_integer(port).map_err(Raised::forget).ok()?;
        if i64::from(family) != self.family.get() {
            return None;
        }
        let address = Address::new(SocketAddr::new(ip, u16::try_from(port).ok()?));
        let known = Known {
            object: object.clone(),
            address,
        };
        let before = self.receiver.replace(Some(known));
        drop(before);
        Some(address)
    }
}

// Reading.

/// What an entry `Readable` of the ready queue does for an endpoint.
///
/// # Errors
/// What the protocol raises; datagrams that were received with it follow in the next turn.
///
/// # Reentrancy
/// Runs any Python code.
pub(crate) fn run_readable(event_loop: &Instance<LoopBody>, endpoint: &Object) -> PyResult<()> {
    let Some(this) = endpoint.exactly::<EndpointBody>() else {
        return Ok(());
    };
    if !event_loop.is_watched_by(this.descriptor.get(), Side::Reader, endpoint) {
        return Ok(());
    }
    run_in(&this.read_context, || this.read_ready(event_loop))?
}

impl Instance<EndpointBody> {
    fn read_ready(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        let (Some(socket), Some(protocol)) = (self.socket.get(), self.protocol.get()) else {
            return Ok(());
        };
        // What is kept comes before what the kernel has.
        if !self.kept.borrow().is_empty() {
            let kept = self.kept.take();
            return self.deliver(event_loop, kept);
        }
        let mut batch = event_loop
            .datagrams
            .take()
            .unwrap_or_else(|| Box::new(Batch::new(tepal_core::constants::LARGEST_READ)));
        let received = match batch.receive(sockets::descriptor(&socket)) {
            Ok(count) => self.unpack(&batch, count),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(error) => {
                event_loop.datagrams.set(Some(batch));
                let exception = raise_os_error(&error).take();
                return calls::call_method(Name::ErrorReceived, [&protocol, &exception]).map(drop);
            }
        };
        event_loop.datagrams.set(Some(batch));
        self.deliver(event_loop, received?)
    }

    fn unpack(&self, batch: &Batch, count: usize) -> PyResult<Vec<(Object, Object)>> {
        let mut received = Vec::with_capacity(BATCH);
        for index in 0..count {
            let (datagram, address) = batch.get(index);
            received.push((buffers::bytes(datagram)?, self.object_of(index, address)?));
        }
        Ok(received)
    }

    /// The address as Python code sees it: `(host, port)`, or for IPv6 `(host, port, flowinfo, scope_id)`. The same sender
    /// mostly comes again, at the beginning of a batch or after itself.
    fn object_of(&self, index: usize, address: &Address) -> PyResult<Object> {
        for place in [index, index.saturating_sub(1)] {
            if let Some(Some(known)) = self.senders.borrow().get(place)
                && known.address == *address
            {
                return Ok(known.object.clone());
            }
        }
        let Some(internet) = address.internet() else {
            return Ok(Object::none());
        };
        let port = values::integer(u64::from(internet.port()))?;
        let object = match internet {
            SocketAddr::V4(address) => {
                values::tuple(vec![values::string(&address.ip().to_string())?, port])?
            }
            SocketAddr::V6(address) => values::tuple(vec![
                values::string(&ipv6_text(*address.ip()))?,
                port,
                values::integer(u64::from(address.flowinfo()))?,
                values::integer(u64::from(address.scope_id()))?,
            ])?,
        };
        let known = Known {
            object: object.clone(),
            address: *address,
        };
        let place = &mut self.senders.borrow_mut()[index];
        let before = place.replace(known);
        drop(before);
        Ok(object)
    }

    /// Hands over what was received, as long as the protocol goes on reading: what it does not take now it gets later, as
    /// if it still waited in the kernel.
    fn deliver(
        &self,
        event_loop: &Instance<LoopBody>,
        received: Vec<(Object, Object)>,
    ) -> PyResult<()> {
        let mut left = received.into_iter();
        while let Some((datagram, address)) = left.next() {
            // It may be another protocol by now.
            let protocol = self.protocol.get_or_none();
            let told = calls::call_method(Name::DatagramReceived, [&protocol, &datagram, &address]);
            if left.len() == 0 {
                return told.map(drop);
            }
            match told {
                Err(raised) => {
                    let exception = raised.take();
                    self.keep(event_loop, left.collect())?;
                    return Err(restore(exception));
                }
                Ok(_) if !self.is_read(event_loop) => {
                    return self.keep(event_loop, left.collect());
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    fn is_read(&self, event_loop: &Instance<LoopBody>) -> bool {
        self.with_object(|this| event_loop.is_watched_by(self.descriptor.get(), Side::Reader, this))
    }

    #[cold]
    fn keep(&self, event_loop: &Instance<LoopBody>, left: Vec<(Object, Object)>) -> PyResult<()> {
        // A transport that closes reads no more.
        if self.disabled.get() {
            return Ok(());
        }
        self.kept.borrow_mut().extend(left);
        if self.is_read(event_loop) {
            self.go_on_later(event_loop)?;
        }
        Ok(())
    }

    /// Hands over in the next turn what is kept: the kernel may have nothing more to tell.
    fn go_on_later(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        if self.kept.borrow().is_empty() {
            return Ok(());
        }
        let read = self.with_object(|this| calls::attribute(this, Name::ReadReady.object()))?;
        calls::call_method(Name::CallSoon, [&event_loop.object(), &read]).map(drop)
    }
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    type E = Instance<EndpointBody>;
    TypeBuilder::<EndpointBody>::new(c"A datagram socket and its protocol.")
        .not_constructible()
        .methods(vec![
            with_arguments(
                c"open",
                c"open($self, connected, sendto)\n--\n\nSend and receive.",
                open,
            ),
            with_arguments(
                c"sendto",
                c"sendto($self, data, addr=None)\n--\n\nSend a datagram.",
                sendto,
            ),
            with_one(
                c"set_protocol",
                c"set_protocol($self, protocol, /)\n--\n\nHand datagrams to another protocol.",
                |this: &E, protocol: &Object| this.protocol.set(protocol.clone()),
            ),
            without_arguments(
                c"disable",
                c"disable($self, /)\n--\n\nLeave everything to the transport.",
                |this: &E| this.disabled.set(true),
            ),
            without_arguments(
                c"release",
                c"release($self, /)\n--\n\nLet everything go.",
                E::release,
            ),
            without_arguments(
                c"_read_ready",
                c"_read_ready($self, /)\n--\n\nHand over what has arrived, if it is to be read.",
                |this: &E| match this.event_loop.get() {
                    Some(event_loop) if this.is_read(&event_loop) => this.read_ready(&event_loop),
                    _ => Ok(()),
                },
            ),
        ])
        .build()
}
