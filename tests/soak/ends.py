"""One end of a connection, in the four ways that asyncio offers, all with the same few methods.

`Wire` is what they share. Each end also watches over the order in which a transport calls its
protocol (``Lib/asyncio/protocols.py``): what comes out of order goes to `FAULTS`.
"""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from typing import Any, BinaryIO, Protocol

FAULTS: list[str] = []
"""What happened that must not happen; the soak fails if there is anything."""

PAUSE_AT = 256 * 1024
"""Bytes received and not taken yet at which a protocol pauses reading."""


class Wire(Protocol):
    """One end of a connection."""

    async def send(self, pieces: list[bytes]) -> None:
        """Send, and wait while the other side takes too little. Raises ConnectionError."""

    async def send_file(self, file: BinaryIO, offset: int, count: int) -> int:
        """Send ``count`` bytes of a file by ``sendfile()``; how many were sent. Raises ConnectionError."""

    async def receive(self, limit: int) -> bytes:
        """The next bytes, at most ``limit``; none at the end. Raises ConnectionError."""

    def half_close(self) -> None:
        """Say that nothing more will be sent."""

    def abort(self) -> None:
        """Break off at once."""

    async def close(self) -> None:
        """Send what is written, close, and wait until that is done."""


async def send_file(transport: Any, file: BinaryIO, offset: int, count: int) -> int:
    """By ``loop.sendfile()``, which has no ConnectionError for a transport that is already closing."""
    if transport.is_closing():
        raise ConnectionResetError("the connection is closing")
    return await asyncio.get_running_loop().sendfile(transport, file, offset, count)


class StreamsEnd:
    """`StreamReader` and `StreamWriter`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, pieces: list[bytes]) -> None:
        if len(pieces) == 1:
            self.writer.write(pieces[0])
        else:
            self.writer.writelines(pieces)
        await self.writer.drain()

    async def send_file(self, file: BinaryIO, offset: int, count: int) -> int:
        return await send_file(self.writer.transport, file, offset, count)

    async def receive(self, limit: int) -> bytes:
        return await self.reader.read(limit)

    def half_close(self) -> None:
        self.writer.write_eof()

    def abort(self) -> None:
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class ProtocolEnd(asyncio.Protocol):
    """A protocol with a queue of what it received, which pauses reading when the queue is long.

    | state | connection_made | data_received | eof_received | connection_lost |
    |---|---|---|---|---|
    | new | -> open | fault | fault | fault |
    | open | fault | stays | -> ended | -> lost |
    | ended | fault | fault | fault; after sendfile() stays | -> lost |
    | lost | fault | fault | fault | fault |
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, connected: Any = None) -> None:
        self.loop = loop
        self.connected = connected
        self.state = "new"
        self.received: deque[bytes] = deque()
        self.size = 0
        self.error: BaseException | None = None
        self.reading_paused = self.writing_paused = False
        self.waiters: list[asyncio.Future[None]] = []
        self.files_sent = 0
        self.lost = loop.create_future()

    def _expect(self, event: str, *states: str) -> None:
        if self.state not in states:
            FAULTS.append(f"{event} in state {self.state}")

    def _wake(self) -> None:
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _changed(self) -> None:
        waiter = self.loop.create_future()
        self.waiters.append(waiter)
        await waiter

    # What the transport calls.

    def connection_made(self, transport: Any) -> None:
        self._expect("connection_made", "new")
        self.state = "open"
        self.transport = transport
        self.secure = transport.get_extra_info("sslcontext") is not None
        if self.connected is not None:
            self.connected(self)

    def data_received(self, data: bytes) -> None:
        self._expect("data_received", "open")
        if not data:
            FAULTS.append("data_received without data")
        if self.reading_paused and not isinstance(self, BufferedEnd):
            FAULTS.append("data_received while reading is paused")
        self.received.append(data)
        self.size += len(data)
        if self.size > PAUSE_AT and not self.reading_paused:
            self.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        # asyncio resumes reading after a file, at the end of what comes as well, and hears of that once more.
        self._expect("eof_received", "open", *(["ended"] if self.files_sent else []))
        self.state = "ended"
        self._wake()
        return not self.secure  # the transport stays open for what we still send; TLS has no half close

    def connection_lost(self, exc: BaseException | None) -> None:
        self._expect("connection_lost", "open", "ended")
        self.state = "lost"
        self.error = exc
        if not self.lost.done():  # one who was cancelled while waiting for it has cancelled it
            self.lost.set_result(None)
        self._wake()

    def pause_writing(self) -> None:
        if self.writing_paused:
            FAULTS.append("pause_writing twice")
        self.writing_paused = True

    def resume_writing(self) -> None:
        if not self.writing_paused:
            FAULTS.append("resume_writing without pause_writing")
        self.writing_paused = False
        self._wake()

    # What a conversation calls.

    def pause_reading(self) -> None:
        """Stop the transport from delivering."""
        if not self.reading_paused and not self.transport.is_closing():
            self.reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Let it deliver again; not after the end, which asyncio's transports would announce once more."""
        if self.reading_paused:
            self.reading_paused = False
            if self.state == "open" and not self.transport.is_closing():
                self.transport.resume_reading()

    async def send(self, pieces: list[bytes]) -> None:
        if self.state == "lost":
            raise self.error or ConnectionResetError("the connection is lost")
        if len(pieces) == 1:
            self.transport.write(pieces[0])
        else:
            self.transport.writelines(pieces)
        while self.writing_paused and self.state != "lost":
            await self._changed()

    async def send_file(self, file: BinaryIO, offset: int, count: int) -> int:
        self.files_sent += 1
        return await send_file(self.transport, file, offset, count)

    async def receive(self, limit: int) -> bytes:
        while not self.received:
            self.resume_reading()
            if self.state == "lost" and self.error is not None:
                raise self.error
            if self.state in ("ended", "lost"):
                return b""
            await self._changed()
        data = self.received.popleft()
        if len(data) > limit:
            self.received.appendleft(data[limit:])
            data = data[:limit]
        self.size -= len(data)
        return data

    def half_close(self) -> None:
        self.transport.write_eof()

    def abort(self) -> None:
        self.transport.abort()

    async def close(self) -> None:
        if self.reading_paused and type(self.transport).__module__ == "asyncio.sslproto":
            # Else asyncio's never ends, if the other side has ended meanwhile.
            self.reading_paused = False
            self.transport.resume_reading()
        self.transport.close()
        await self.lost


class BufferedEnd(ProtocolEnd, asyncio.BufferedProtocol):
    """The same as a buffered protocol, with one buffer for all data."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connected: Any = None) -> None:
        super().__init__(loop, connected)
        self.buffer = bytearray(50_000)
        self.lent = False

    def get_buffer(self, sizehint: int) -> bytearray | memoryview:
        self.lent = True
        # asyncio's TLS takes slices of the buffer to read into; a slice of a bytearray is a copy.
        return memoryview(self.buffer) if self.secure else self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self.lent:
            FAULTS.append("buffer_updated without get_buffer")
        self.lent = False
        ProtocolEnd.data_received(self, bytes(self.buffer[:nbytes]))

    # A transport takes what has this method for a plain protocol on some loops.
    data_received = None  # type: ignore[assignment]


class SockEnd:
    """``sock_sendall``, ``sock_recv`` and ``sock_recv_into``, by turns."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self.loop, self.sock = loop, sock
        self.into = False

    async def send(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            await self.loop.sock_sendall(self.sock, piece)

    async def send_file(self, file: BinaryIO, offset: int, count: int) -> int:
        return await self.loop.sock_sendfile(self.sock, file, offset, count)

    async def receive(self, limit: int) -> bytes:
        self.into = not self.into
        if not self.into:
            return await self.loop.sock_recv(self.sock, limit)
        buffer = bytearray(limit)
        count = await self.loop.sock_recv_into(self.sock, buffer)
        return bytes(buffer[:count])

    def half_close(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        if self.sock.fileno() >= 0:
            # With no time to linger, closing resets the connection; a Unix socket has no such state.
            if self.sock.family != socket.AF_UNIX:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()

    async def close(self) -> None:
        self.sock.close()
