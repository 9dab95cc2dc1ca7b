"""Datagram transports: asyncio's own, with the native endpoint under every datagram."""

import asyncio
import socket
from asyncio import selector_events
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tepal._native import LoopCore

__all__ = ("DatagramTransport", "make")

_AsyncioTransport: Any = selector_events._SelectorDatagramTransport  # type: ignore[attr-defined]
_INTERNET = (socket.AF_INET, socket.AF_INET6)


def make(
    loop: "LoopCore",
    sock: socket.socket,
    protocol: asyncio.BaseProtocol,
    address: Any,
    waiter: "asyncio.Future[None] | None",
    extra: dict[str, Any] | None,
) -> asyncio.DatagramTransport:
    """Make the transport of a non-blocking datagram socket, and schedule ``connection_made``.

    ``address`` is where a connected one sends to; ``waiter`` is done once ``connection_made`` was called. What is no
    Internet socket of CPython's own gets asyncio's transport.

    Raises RuntimeError if an open transport uses the descriptor already.
    """
    loop._ensure_fd_no_transport(sock)
    native = type(sock) is socket.socket and sock.family in _INTERNET
    kind = DatagramTransport if native else _AsyncioTransport
    return kind(loop, sock, protocol, address, waiter, extra)


class DatagramTransport(_AsyncioTransport):  # type: ignore[misc]
    """asyncio's datagram transport; what is usual goes through ``_native.DatagramEndpoint``.

    Differs from asyncio's in that up to eight datagrams are received by one system call and handed over one after the
    other, as long as the transport reads.
    """

    def __init__(
        self,
        loop: "LoopCore",
        sock: socket.socket,
        protocol: asyncio.BaseProtocol,
        address: Any = None,
        waiter: "asyncio.Future[None] | None" = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self._endpoint = loop._new_datagram_endpoint(sock, sock.family)
        super().__init__(loop, sock, protocol, address, waiter, extra)
        self._endpoint.open(bool(self._extra["peername"]), super().sendto)
        self.__dict__["sendto"] = self._endpoint.sendto  # in the place of the method, so that no frame lies between

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand datagrams to another protocol."""
        super().set_protocol(protocol)
        self._endpoint.set_protocol(protocol)

    def _add_reader(self, fd: int, callback: Any) -> None:
        if self.is_reading():
            self._loop._watch_datagrams(self._endpoint)

    def close(self) -> None:
        """End once everything is sent."""
        self._endpoint.disable()
        super().close()

    def _force_close(self, exc: BaseException | None) -> None:
        self._endpoint.disable()
        super()._force_close(exc)

    def _call_connection_lost(self, exc: BaseException | None) -> None:
        try:
            super()._call_connection_lost(exc)
        finally:
            self.__dict__.pop("sendto", None)
            self._endpoint.release()
