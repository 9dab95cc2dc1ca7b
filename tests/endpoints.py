"""Both ends of a connection: a transport with a protocol that remembers, and a plain socket."""

from __future__ import annotations

import asyncio
from typing import Any

from turns import run_turns, run_until


class Recorder(asyncio.Protocol):
    """Remembers what it was told, in order."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.calls: list[tuple[Any, ...]] = []
        self.data = bytearray()

    @property
    def names(self):
        return [call[0] for call in self.calls]

    def connection_made(self, transport):
        self.transport = transport
        self.calls.append(("made",))

    def data_received(self, data):
        assert type(data) is bytes
        self.data += data
        self.calls.append(("data", data))

    def eof_received(self):
        self.calls.append(("eof",))

    def pause_writing(self):
        self.calls.append(("pause",))

    def resume_writing(self):
        self.calls.append(("resume",))

    def connection_lost(self, exc):
        self.calls.append(("lost", exc))


class Filled(asyncio.BufferedProtocol):
    """Gives a small buffer of its own, and remembers what was put into it."""

    def __init__(self, size=100):
        self.buffer = bytearray(size)
        self.data = bytearray()
        self.calls = []

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, sizehint):
        assert sizehint == -1
        return self.buffer

    def buffer_updated(self, nbytes):
        self.data += self.buffer[:nbytes]

    def eof_received(self):
        self.calls.append("eof")

    def connection_lost(self, exc):
        self.calls.append(("lost", exc))


def connect(loop, sock, protocol):
    """Make the transport of a connected socket."""
    transport, _ = loop.run_until_complete(loop.create_connection(lambda: protocol, sock=sock))
    return transport


def receive_all(loop, sock):
    """Read a plain socket until its end, while the loop turns."""
    received = bytearray()

    def step():
        try:
            data = sock.recv(1 << 20)
        except BlockingIOError:
            return False
        received.extend(data)
        return not data

    run_until(loop, step, limit=15)
    return bytes(received)


def end(loop, transport):
    """Close a transport and let its protocol hear of it."""
    transport.close()
    run_turns(loop, 2)
