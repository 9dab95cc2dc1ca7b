//! `sock_recv`, `sock_recv_into`, `sock_recvfrom`, `sock_recvfrom_into`, `sock_sendall`, `sock_sendto`, `sock_accept`.
//!
//! `sock_connect`, which runs once per connection, is asyncio's own, and so is what `sock_sendfile` does besides sending.

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::coroutines::is_true;
use crate::interop::errors::PyResult;
use crate::interop::instance::{Instance, Ref};
use crate::interop::interned::Name;
use crate::interop::methods::{Method, with_arguments};
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::sock::{Kind, OperationBody};

use super::L;

type Operation = PyResult<Ref<OperationBody>>;

#[inline(always)]
fn with_one_argument(this: &L, arguments: Arguments<'_>, kind: Kind, argument: Name) -> Operation {
    if let ([socket, first], 0) = (arguments.positional(), arguments.keyword_count()) {
        return make(this, kind, socket.clone(), Some(first.clone()), None);
    }
    let [socket, first] = arguments.bind(&Signature {
        function: kind.qualified_name(),
        names: [Name::Sock, argument],
        required: 2,
        positional: 2,
    })?;
    make(this, kind, socket.unwrap_or_else(Object::none), first, None)
}

#[inline(always)]
fn make(
    this: &L,
    kind: Kind,
    socket: Object,
    first: Option<Object>,
    second: Option<Object>,
) -> Operation {
    Instance::<OperationBody>::make(this, kind, socket, first, second)
}

/// `sock_recvfrom_into(sock, buf, nbytes=0)`; 0 and whatever else is false stand for the length of the buffer.
fn receive_from_into(this: &L, arguments: Arguments<'_>) -> Operation {
    let kind = Kind::ReceiveFromInto;
    let [socket, buffer, count] = arguments.bind(&Signature {
        function: kind.qualified_name(),
        names: [Name::Sock, Name::Buf, Name::Nbytes],
        required: 2,
        positional: 3,
    })?;
    let count = match count {
        Some(count) if is_true(&count)? => count,
        _ => values::integer(0)?,
    };
    make(
        this,
        kind,
        socket.unwrap_or_else(Object::none),
        buffer,
        Some(count),
    )
}

/// `sock_sendto(sock, data, address)`
fn send_to(this: &L, arguments: Arguments<'_>) -> Operation {
    let kind = Kind::SendTo;
    let [socket, data, address] = arguments.bind(&Signature {
        function: kind.qualified_name(),
        names: [Name::Sock, Name::Data, Name::Address],
        required: 3,
        positional: 3,
    })?;
    make(
        this,
        kind,
        socket.unwrap_or_else(Object::none),
        data,
        address,
    )
}

/// `sock_accept(sock)`
fn accept(this: &L, arguments: Arguments<'_>) -> Operation {
    let [socket] = arguments.bind(&Signature {
        function: Kind::Accept.qualified_name(),
        names: [Name::Sock],
        required: 1,
        positional: 1,
    })?;
    make(
        this,
        Kind::Accept,
        socket.unwrap_or_else(Object::none),
        None,
        None,
    )
}

pub(super) fn methods() -> Vec<Method<LoopBody>> {
    vec![
        with_arguments(
            c"sock_recv",
            c"sock_recv($self, sock, n)\n--\n\nReceive at most n bytes.",
            |this: &L, arguments: Arguments<'_>| {
                with_one_argument(this, arguments, Kind::Receive, Name::N)
            },
        ),
        with_arguments(
            c"sock_recv_into",
            c"sock_recv_into($self, sock, buf)\n--\n\nReceive into a buffer; gives the number of bytes.",
            |this: &L, arguments: Arguments<'_>| {
                with_one_argument(this, arguments, Kind::ReceiveInto, Name::Buf)
            },
        ),
        with_arguments(
            c"sock_recvfrom",
            c"sock_recvfrom($self, sock, bufsize)\n--\n\nReceive a datagram; gives it and where it came from.",
            |this: &L, arguments: Arguments<'_>| {
                with_one_argument(this, arguments, Kind::ReceiveFrom, Name::Bufsize)
            },
        ),
        with_arguments(
            c"sock_recvfrom_into",
            c"sock_recvfrom_into($self, sock, buf, nbytes=0)\n--\n\nReceive a datagram into a buffer; gives its length and where it came from.",
            receive_from_into,
        ),
        with_arguments(
            c"sock_sendall",
            c"sock_sendall($self, sock, data)\n--\n\nSend all of the data.",
            |this: &L, arguments: Arguments<'_>| {
                with_one_argument(this, arguments, Kind::SendAll, Name::Data)
            },
        ),
        with_arguments(
            c"sock_sendto",
            c"sock_sendto($self, sock, data, address)\n--\n\nSend a datagram; gives the number of bytes.",
            send_to,
        ),
        with_arguments(
            c"_send_file",
            c"_send_file($self, sock, data)\n--\n\nSend a file: (descriptor, offset, count or 0, size of a block, whether to seek always).",
            |this: &L, arguments: Arguments<'_>| {
                with_one_argument(this, arguments, Kind::SendFile, Name::Data)
            },
        ),
        with_arguments(
            c"sock_accept",
            c"sock_accept($self, sock)\n--\n\nAccept a connection; gives its socket, non-blocking, and its address.",
            accept,
        ),
    ]
}
