"""Echo, written in the four ways that asyncio offers."""

import asyncio
import contextlib
import socket
from typing import Any

from servers.server import BACKLOG, HOST, listening_socket

CHUNK = 64 * 1024
"""Room that a buffered protocol, `read` and `sock_recv` offer (bytes)."""

_kept: list[Any] = []
"""Servers and Tasks that nobody else refers to."""


class EchoProtocol(asyncio.Protocol):
    """``data_received`` writes what it is given."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class BufferedEchoProtocol(asyncio.BufferedProtocol):
    """The transport fills a buffer of ours; a copy of what it filled is written."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.buffer = bytearray(CHUNK)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.transport.write(self.buffer[:nbytes])


async def echo_streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As in asyncio's documentation: read, write, drain, close at the end."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


async def echo_socket(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    """A connection by ``sock_recv`` and ``sock_sendall``."""
    with sock, contextlib.suppress(ConnectionError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := await loop.sock_recv(sock, CHUNK):
            await loop.sock_sendall(sock, data)


async def accept_sockets(loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
    """A Task for each connection."""
    tasks = set()
    while True:
        sock, _ = await loop.sock_accept(listener)
        sock.setblocking(False)
        task = loop.create_task(echo_socket(loop, sock))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def port_of(server: Any) -> int:
    """The port of an asyncio server, which is kept from now on."""
    _kept.append(server)
    return int(server.sockets[0].getsockname()[1])


async def start_protocol() -> int:
    """Protocol."""
    loop = asyncio.get_running_loop()
    return port_of(await loop.create_server(EchoProtocol, HOST, 0, backlog=BACKLOG))


async def start_buffered() -> int:
    """Buffered protocol."""
    loop = asyncio.get_running_loop()
    return port_of(await loop.create_server(BufferedEchoProtocol, HOST, 0, backlog=BACKLOG))


async def start_streams() -> int:
    """Streams."""
    return port_of(await asyncio.start_server(echo_streams, HOST, 0, backlog=BACKLOG))


async def start_sock() -> int:
    """The loop's methods for sockets."""
    loop = asyncio.get_running_loop()
    listener = listening_socket()
    _kept.append(loop.create_task(accept_sockets(loop, listener)))
    return int(listener.getsockname()[1])
