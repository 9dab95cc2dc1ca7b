//! A server's new connections, without a Task and a dozen Python frames for each.
//!
//! What `_accept_connection` and `_accept_connection2` do (CPython `Lib/asyncio/selector_events.py`), for TCP and Unix sockets
//! outside debug mode, with TLS above them or without. asyncio makes a Task for each connection, in which the protocol is made one turn later; here
//! that happens at once, in a copy of the context of its own as a Task has it.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use tepal_core::datagram::{Address, ipv6_text};
use tepal_core::{forks, socket};

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, raise_os_error};
use crate::interop::imports::dotted;
use crate::interop::instance::{Instance, Ref};
use crate::interop::interned::{Name, intern};
use crate::interop::member_slot::MemberSlot;
use crate::interop::object::{Object, Slot};
use crate::interop::sockets;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::failures;
use crate::loop_core::shared_context::run_in;

use super::body::StreamBody;

/// `asyncio.trsock.TransportSocket`
static TRANSPORT_SOCKET: MemberSlot = MemberSlot::unknown();

/// Makes asyncio's class known.
///
/// # Errors
/// What the look-ups raise.
pub(crate) fn learn_transport_socket() -> PyResult<()> {
    let class = dotted("asyncio", &["trsock", "TransportSocket"])?;
    TRANSPORT_SOCKET.learn(&class, Name::SockUnderscore.text())
}

/// A server that accepts.
struct Listener<'a> {
    event_loop: &'a Instance<LoopBody>,
    /// Family, type and protocol.
    kind: (i32, i32, i32),
    factory: Object,
    server: Object,
    context: Object,
    /// What puts TLS below a protocol, or None.
    wrap: Object,
    /// The local address of the last connection; that of the next one mostly is the same.
    local: Option<(Address, Object)>,
}

/// `_accept_streams(protocol_factory, sock, server, backlog, context, wrap)`: takes all connections that wait, at most
/// `backlog + 1`. False if asyncio's own method has to go on: with another kind of socket, or to deal with an error of the
/// kernel, which it then meets itself.
///
/// # Errors
/// `OSError` if descriptors or memory have run out ([`is_exhaustion`]). `SystemExit` and `KeyboardInterrupt` out of the protocol factory. As asyncio outside debug mode, any other exception
/// ends only the connection concerned.
///
/// # Reentrancy
/// Runs any Python code.
pub(crate) fn accept_streams(
    event_loop: &Instance<LoopBody>,
    arguments: Arguments<'_>,
) -> PyResult<bool> {
    let [factory, socket, server, backlog, context, wrap] = arguments.bind(&Signature {
        function: "_accept_streams",
        names: [
            Name::ProtocolFactory,
            Name::Sock,
            Name::Server,
            Name::Backlog,
            Name::Context,
            Name::Wrap,
        ],
        required: 6,
        positional: 6,
    })?;
    let (Some(factory), Some(socket), Some(backlog)) = (factory, socket, backlog) else {
        return Ok(false);
    };
    let Some(kind) = sockets::kind_of_listener(&socket) else {
        return Ok(false);
    };
    if ![libc::AF_INET, libc::AF_INET6, libc::AF_UNIX].contains(&kind.0)
        || kind.1 != libc::SOCK_STREAM
    {
        return Ok(false);
    }
    let mut listener = Listener {
        event_loop,
        kind,
        factory,
        server: server.unwrap_or_else(Object::none),
        context: context.unwrap_or_else(Object::none),
        wrap: wrap.unwrap_or_else(Object::none),
        local: None,
    };
    let backlog = values::to_saturated_integer(&backlog)?;
    for _ in 0..=backlog {
        match socket::accept(sockets::descriptor(&socket)) {
            Ok((descriptor, peer)) => listener.accepted(descriptor, &peer)?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) if is_exhaustion(&error) => return Err(raise_os_error(&error)),
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// Whether the kernel lacks what a new connection needs, so that it will say the same for a while.
fn is_exhaustion(error: &std::io::Error) -> bool {
    [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM]
        .map(Some)
        .contains(&error.raw_os_error())
}

impl Listener<'_> {
    /// One connection, in a context of its own: a copy of the server's, which the transport keeps (3.15), or of the
    /// current one.
    fn accepted(&mut self, descriptor: OwnedFd, peer: &Address) -> PyResult<()> {
        let (context, kept) = if self.context.is_none() {
            (self.event_loop.last_context.copy_current()?, Object::none())
        } else {
            let copy = calls::attribute(&self.context, &intern("copy")?)?;
            let own = calls::call(&copy, [])?;
            (own.clone(), own)
        };
        let context = Slot::holding(context);
        let served = run_in(&context, || self.serve(descriptor, peer, &kept))?;
        match served {
            Ok(()) => Ok(()),
            // asyncio reports these in debug mode only.
            Err(raised) => failures::contain(raised).map(drop),
        }
    }

    fn serve(&mut self, descriptor: OwnedFd, peer: &Address, context: &Object) -> PyResult<()> {
        if self.kind.0 == libc::AF_UNIX {
            return self.serve_unix(descriptor, context);
        }
        let number = descriptor.as_raw_fd();
        let accepted_at = forks();
        let local = socket::local_address(number).map_err(|error| raise_os_error(&error))?;
        let is_tcp = [0, libc::IPPROTO_TCP].contains(&self.kind.2);
        if is_tcp {
            socket::set_no_delay(number).map_err(|error| raise_os_error(&error))?;
        }
        let socket = sockets::adopt(descriptor, self.kind)?;
        let protocol = self.protocol()?;
        let extra = facts(&socket, &address_object(peer)?, &self.local_object(local)?)?;
        let transport = self.transport(&socket, &protocol, extra, context)?;
        transport.alone_since.set(Some(accepted_at));
        self.begin(&transport)
    }

    /// Paths, and names of the abstract namespace, are the socket's to read.
    fn serve_unix(&self, descriptor: OwnedFd, context: &Object) -> PyResult<()> {
        let socket = sockets::adopt(descriptor, self.kind)?;
        let ask = |name| calls::call(&calls::attribute(&socket, &intern(name)?)?, []);
        let extra = facts(&socket, &ask("getpeername")?, &ask("getsockname")?)?;
        let protocol = self.protocol()?;
        let transport = self.transport(&socket, &protocol, extra, context)?;
        self.begin(&transport)
    }

    fn protocol(&self) -> PyResult<Object> {
        let protocol = calls::call(&self.factory, [])?;
        if self.wrap.is_none() {
            return Ok(protocol);
        }
        calls::call(&self.wrap, [&protocol])
    }

    fn begin(&self, transport: &Instance<StreamBody>) -> PyResult<()> {
        transport.attach_to_server()?;
        transport.enter_transports(self.event_loop)?;
        transport.start(&Object::none())
    }

    fn transport(
        &self,
        socket: &Object,
        protocol: &Object,
        extra: Object,
        context: &Object,
    ) -> PyResult<Ref<StreamBody>> {
        Instance::<StreamBody>::made_of(
            self.event_loop,
            socket,
            protocol,
            extra,
            &self.server,
            context,
        )
    }

    fn local_object(&mut self, address: Address) -> PyResult<Object> {
        if let Some((known, object)) = &self.local
            && *known == address
        {
            return Ok(object.clone());
        }
        let object = address_object(&address)?;
        self.local = Some((address, object.clone()));
        Ok(object)
    }
}

/// What `get_extra_info()` knows of a connection, in asyncio's order.
fn facts(socket: &Object, peer: &Object, local: &Object) -> PyResult<Object> {
    values::dict(&[
        (Name::Peername, peer),
        (Name::Socket, &TRANSPORT_SOCKET.make(socket.clone())?),
        (Name::Sockname, local),
    ])
}

/// The text of an IPv4 address, some ten times as fast as `Display` makes it.
fn dotted_quad(octets: [u8; 4], room: &mut [u8; 15]) -> &str {
    let mut length = 0;
    let mut put = |byte: u8| {
        if let Some(place) = room.get_mut(length) {
            *place = byte;
            length += 1;
        }
    };
    for (index, octet) in octets.into_iter().enumerate() {
        if index > 0 {
            put(b'.');
        }
        if octet >= 100 {
            put(b'0' + octet / 100);
        }
        if octet >= 10 {
            put(b'0' + octet / 10 % 10);
        }
        put(b'0' + octet % 10);
    }
    std::str::from_utf8(&room[..length]).unwrap_or_default()
}

/// The address as Python code sees it: `(host, port)`, or for IPv6 `(host, port, flowinfo, scope_id)`.
fn address_object(address: &Address) -> PyResult<Object> {
    let Some(internet) = address.internet() else {
        return Err(Builtin::OsError.raise("an Internet address was expected"));
    };
    let host = match internet.ip() {
        IpAddr::V4(ip) => values::string(dotted_quad(ip.octets(), &mut [0; 15]))?,
        IpAddr::V6(ip) => values::string(&ipv6_text(ip))?,
    };
    let port = values::integer(u64::from(internet.port()))?;
    match internet {
        SocketAddr::V4(_) => values::tuple(vec![host, port]),
        SocketAddr::V6(address) => values::tuple(vec![
            host,
            port,
            values::integer(u64::from(address.flowinfo()))?,
            values::integer(u64::from(address.scope_id()))?,
        ]),
    }
}
