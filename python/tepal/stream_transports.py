"""Stream transports: what happens once per connection, around the native transport."""

import asyncio
import contextvars
import socket
from asyncio import trsock
from typing import Any

from tepal._native import LoopCore, StreamTransport
from tepal.tls import make_protocol

__all__ = ("make", "make_tls")


def make(
    loop: LoopCore,
    sock: socket.socket,
    protocol: asyncio.BaseProtocol,
    waiter: "asyncio.Future[None] | None",
    extra: dict[str, Any] | None,
    server: asyncio.AbstractServer | None,
    context: contextvars.Context | None,
) -> StreamTransport:
    """Make the transport of a connected, non-blocking socket, and schedule ``connection_made``.

    ``waiter`` is done once that was called.  Facts that ``extra`` has already (the peer's address, after an accept) are
    not asked of the kernel again.

    Raises RuntimeError if an open transport uses the descriptor already.

    What ``_SelectorTransport.__init__`` does (CPython ``Lib/asyncio/selector_events.py``), in its order.
    """
    loop._ensure_fd_no_transport(sock)
    facts = {} if extra is None else extra
    facts["socket"] = trsock.TransportSocket(sock)
    facts["sockname"] = _address(sock.getsockname)
    if "peername" not in facts:
        facts["peername"] = _address(sock.getpeername)
    transport = loop._new_stream_transport(sock, protocol, facts, server, context)
    transport._attach_to_server()
    loop._transports[transport._sock_fd] = transport
    _set_nodelay(sock)
    transport._start(waiter)
    return transport


def _set_nodelay(sock: socket.socket) -> None:
    """Let small segments of a TCP connection go out at once (``TCP_NODELAY``, ``man 7 tcp``).

    asyncio leaves out sockets whose protocol number is 0, which is what ``socket.socket()`` makes by default, and so
    all connections that such a listening socket accepts. uvicorn under gunicorn, or with several workers, has such a
    one; an answer of two segments then waits 40 ms for the client's delayed acknowledgement. For these families 0
    means TCP.
    """
    is_stream = sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM
    if is_stream and sock.proto in (0, socket.IPPROTO_TCP):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _address(ask: Any) -> Any:
    """Return what the kernel answers, or None if the connection is gone already."""
    try:
        return ask()
    except OSError:
        return None


def make_tls(
    loop: LoopCore,
    sock: socket.socket,
    protocol: asyncio.BaseProtocol,
    sslcontext: Any,
    waiter: "asyncio.Future[None] | None",
    extra: dict[str, Any] | None,
    server: asyncio.AbstractServer | None,
    context: contextvars.Context | None,
    tls: dict[str, Any],
) -> asyncio.Transport:
    """Make a TLS transport above a native one; ``tls`` goes to ``asyncio.sslproto.SSLProtocol`` or ours.

    ``waiter`` is done when the handshake is.  Raises as ``make`` does.
    """
    loop._ensure_fd_no_transport(sock)
    pump = make_protocol(loop, protocol, sslcontext, waiter, **tls)
    make(loop, sock, pump, None, extra, server, context)
    return pump._app_transport
