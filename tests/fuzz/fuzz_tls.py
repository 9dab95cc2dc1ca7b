"""The TLS engine against a peer that says anything at all.

The peer is an `ssl.SSLObject` whose ciphertext is in our hands: a real handshake of TLS 1.2 or 1.3 and real data, of
which records are changed, cut, doubled, dropped, swapped, split anew or replaced by those of other connections, and
which ends in every way. What the engine gives to its protocol must be a beginning of what was sent, whatever was done
to the records. The engine stands above a socket, comes by `start_tls()` when the peer's first words wait already, or
lies within another TLS connection.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import random
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Any

from certificates import made
from contexts import VERSIONS, client_context, server_context
from server_process import described
from settling import settle

HEADER = 5
HEADERS = (b"\x14\x03\x03", b"\x15\x03\x03", b"\x16\x03\x03", b"\x17\x03\x03", b"\x16\x03\x01", b"\x80\x2e\x01")
ALERTS = (b"\x01\x00", b"\x02\x28", b"\x02\x0a", b"\x01\x5a", b"\x02\x46", b"\x03\xff")
patience = 0.02
"""How long the peer waits for an answer that a change may have prevented (seconds); `fuzz.py --patience`."""
CHANGES = (
    *("flip", "flip", "flip", "type", "version", "length", "cut", "stretch", "twice", "drop", "swap"),
    *("split", "join", "noise", "foreign", "alert", "empty", "ccs", "huge", "plain"),
)
WAYS = ("protocol", "buffered", "streams")
CONDUCTS = ("echo", "echo", "echo", "close", "abort", "pause", "silent")
# CPython 3.11 gives an argument to `SSLProtocol._abort()` that it does not take when TLS within TLS fails.
TLS_IN_TLS_MAY_FAIL = "exc" in inspect.signature(asyncio.sslproto.SSLProtocol._abort).parameters
PLACES = ("socket", "socket", "start_tls", "tls" if TLS_IN_TLS_MAY_FAIL else "socket")
ENDS = ("close", "reset", "half close", "farewell", "farewell and more")


@dataclass
class Case:
    """What a peer does."""

    version: str
    is_server: bool
    way: str
    place: str
    """What the engine stands above."""
    conduct: str
    end: str
    messages: list[int]
    changes: dict[int, tuple[str, int]]
    """The number of a record to what becomes of it, and the seed of that."""
    cut: int
    """Seed of how the stream is cut on its way; 0: not at all."""
    at_once: bool
    """Whether everything is sent in one go; what is seen of it before the end is then the kernel's timing."""


def make_case(chance: random.Random) -> Case:
    """A case by chance: one to three changes, some in the handshake, some behind it."""
    last = chance.choice((2, 4, 9))
    changes = {chance.randrange(last): (chance.choice(CHANGES), chance.randrange(1 << 30)) for _ in range(3)}
    count = chance.choice((0, 1, 1, 1, 2, 3))
    return Case(
        version=chance.choice(list(VERSIONS)),
        is_server=chance.random() < 0.6,
        way=chance.choice(WAYS),
        place=chance.choice(PLACES),
        conduct=chance.choice(CONDUCTS),
        end=chance.choice(ENDS),
        messages=[chance.choice((1, 20, 1000, 16_384, 16_385, 50_000)) for _ in range(chance.randrange(1, 5))],
        changes=dict(list(changes.items())[:count]),
        cut=chance.choice((0, 0, chance.randrange(1, 1 << 30))),
        at_once=chance.random() < 0.25,
    )


@functools.cache
def context_of(version: str, is_server: bool) -> ssl.SSLContext:
    """The contexts of all connections, made once: a session is never resumed."""
    if is_server:
        context = server_context(made(), version)
        context.num_tickets = 1
        return context
    return client_context(made(), version)


@functools.cache
def foreign_records() -> list[bytes]:
    """Records of other connections, both ways, of both versions."""
    return [record for version in VERSIONS for record in recorded(version)]


def recorded(version: str) -> list[bytes]:
    """What client and server say in a handshake and in three messages."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context_of(version, False).wrap_bio(down, up, server_hostname="localhost")
    server = context_of(version, True).wrap_bio(up, down, server_side=True)
    flights, ready = [], set()
    while len(ready) < 2:
        for side, outgoing in ((client, up), (server, down)):
            try:
                side.do_handshake()
                ready.add(side)
            except ssl.SSLWantReadError:
                pass
            flights.append(outgoing.read())
            outgoing.write(flights[-1])
    for side, outgoing in ((client, up), (server, down)):
        outgoing.read()
        for size in (1, 300, 16_384):
            side.write(b"r" * size)
        flights.append(outgoing.read())
    return [record for flight in flights for record in records_of(flight)[0]]


def records_of(stream: bytes) -> tuple[list[bytes], bytes]:
    """The whole records at its beginning, and the rest."""
    found = []
    while len(stream) >= HEADER and len(stream) >= (size := HEADER + int.from_bytes(stream[3:5], "big")):
        found.append(stream[:size])
        stream = stream[size:]
    return found, stream


def framed(head: bytes, content: bytes) -> bytes:
    return head[:3] + len(content).to_bytes(2, "big") + content


def flipped(chance: random.Random, record: bytes, first: int, last: int) -> bytes:
    changed = bytearray(record)
    for _ in range(chance.choice((1, 1, 1, 4))):
        place = first + int(chance.random() * (min(last, len(record)) - first))
        changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed)


def changed(kind: str, chance: random.Random, record: bytes) -> list[bytes]:
    """What is sent in place of a record."""
    content = record[HEADER:]
    middle = int(chance.random() * len(record))
    if kind in ("flip", "type", "version", "length"):
        first, last = {"type": (0, 1), "version": (1, 3), "length": (3, 5)}.get(kind, (HEADER, len(record)))
        return [flipped(chance, record, first, last)]
    if kind in ("split", "join"):
        parts = [content[: middle // 2], content[middle // 2 :]]
        return [framed(record, part) for part in parts] if kind == "split" else [framed(record, content + content)]
    return {
        "cut": [record[:middle]],
        "stretch": [framed(record, content + chance.randbytes(chance.choice((1, 16, 300))))],
        "twice": [record, record],
        "drop": [],
        "swap": [record],
        "noise": [chance.randbytes(chance.choice((1, 5, 400))), record],
        "foreign": [chance.choice(foreign_records()), *([record] if chance.random() < 0.5 else [])],
        "alert": [framed(HEADERS[1], chance.choice(ALERTS)), record],
        "empty": [framed(chance.choice(HEADERS), b"")] * chance.choice((1, 40)) + [record],
        "ccs": [framed(HEADERS[0], b"\x01")] * chance.choice((1, 40)) + [record],
        "huge": [framed(chance.choice(HEADERS), bytes(chance.choice((16_385, 16_640, 16_641, 65_535))))],
        "plain": [framed(HEADERS[2], struct.pack(">I", chance.choice((0, 1 << 24, 14 << 24, 20 << 24, 24 << 24))))],
    }[kind]


class Outer:
    """The peer's side of a TLS connection around the one that is tested; nothing is done to its records."""

    def __init__(self, case: Case) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = context_of("1.3", not case.is_server)
        name = "localhost" if case.is_server else None
        self.ssl = context.wrap_bio(self.incoming, self.outgoing, not case.is_server, name)

    def shake(self) -> bool:
        """A step of the handshake; whether it is done."""
        try:
            self.ssl.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def wrap(self, data: bytes) -> bytes:
        self.ssl.write(data)
        return self.outgoing.read()

    def unwrap(self, data: bytes) -> bytes:
        self.incoming.write(data)
        found = bytearray()
        try:
            while part := self.ssl.read(1 << 16):
                found += part
        except ssl.SSLWantReadError:
            pass
        return bytes(found)


class Peer:
    """The other end, and what is done to its records."""

    def __init__(self, case: Case, sock: socket.socket, far: socket.socket) -> None:
        self.case, self.sock, self.far = case, sock, far
        self.loop = asyncio.get_running_loop()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = context_of(case.version, not case.is_server)
        name = "localhost" if case.is_server else None
        self.ssl = context.wrap_bio(self.incoming, self.outgoing, not case.is_server, name)
        self.number = 0
        self.held: list[bytes] = []
        self.chance = random.Random(case.cut)
        self.outer = Outer(case) if case.place == "tls" else None

    async def open_outer(self) -> None:
        """The handshake of the connection around."""
        while self.outer is not None:
            done = self.outer.shake()
            await self.loop.sock_sendall(self.sock, self.outer.outgoing.read())
            if done:
                break
            self.outer.incoming.write(await self.loop.sock_recv(self.sock, 1 << 18))

    def take(self, data: bytes) -> None:
        """What came from the other end."""
        self.incoming.write(data if self.outer is None else self.outer.unwrap(data))

    async def flush(self) -> None:
        """Send what is encrypted, changed as the case says."""
        records, rest = records_of(self.outgoing.read())
        for record in [*records, *([rest] if rest else [])]:
            kind, seed = self.case.changes.get(self.number, ("", 0))
            self.number += 1
            out = changed(kind, random.Random(seed), record) if kind else [record]
            if kind == "swap":
                self.held += out
                continue
            # What was sent before is delivered before; else asyncio would drop it with the error behind it.
            await self.settle()
            await self.send(b"".join([*out, *self.held]))
            self.held.clear()

    async def send(self, data: bytes) -> None:
        while data:
            size = len(data) if self.case.cut == 0 else self.chance.choice((1, 4, 6, 100, 5000, len(data)))
            piece = data[:size] if self.outer is None else self.outer.wrap(data[:size])
            await self.loop.sock_sendall(self.sock, piece)
            data = data[size:]
            if self.case.cut != 0:
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """Let the other end take what was sent, and take what it answers, so that the timing is always the same."""
        if self.case.at_once:
            return
        while True:
            await settle(self.far)
            try:
                data = self.sock.recv(1 << 18)
            except BlockingIOError:
                return
            if not data:
                return
            self.take(data)

    async def hear(self) -> bool:
        """Wait for something from the other end; False if nothing came."""
        try:
            data = await asyncio.wait_for(self.loop.sock_recv(self.sock, 1 << 18), patience)
        except TimeoutError:
            return False
        if data:
            self.take(data)
        return bool(data)

    async def run(self) -> None:
        try:
            await self.open_outer()
            await self.talk()
        except OSError:
            pass  # an error of TLS, or the other end is gone

    async def talk(self) -> None:
        while True:
            try:
                self.ssl.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.flush()
                if not await self.hear():
                    return
        await self.flush()
        for index, size in enumerate(self.case.messages):
            self.ssl.write(message(index, size))
            await self.flush()
            await self.settle()
            self.listen()
        if self.case.end.startswith("farewell"):
            try:
                self.ssl.unwrap()
            except ssl.SSLError:
                pass
            await self.flush()
            if self.case.end == "farewell and more":
                await self.settle()
                await self.send(random.Random(1).choice(foreign_records()))

    def listen(self) -> None:
        try:
            while self.ssl.read(1 << 16):
                pass
        except ssl.SSLWantReadError:
            pass

    async def leave(self) -> None:
        try:
            await self.settle()
        except ConnectionError:
            pass
        if self.case.end == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if self.case.end == "half close":
            self.sock.shutdown(socket.SHUT_WR)
            try:
                while await self.hear():
                    pass
            except ConnectionError:
                pass  # there was something that it had not read
        self.sock.close()


def message(index: int, size: int) -> bytes:
    return random.Random(index).randbytes(size)


class Recorder(asyncio.Protocol):
    """Tells what it was told, and behaves as the case says."""

    def __init__(self, conduct: str) -> None:
        self.conduct = conduct
        self.data = bytearray()
        self.calls: list[Any] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        getattr(self, self.conduct)(data)

    def echo(self, data: bytes) -> None:
        self.transport.write(data)

    def close(self, data: bytes) -> None:
        self.transport.writelines([data, b"bye"])
        self.transport.close()

    def abort(self, data: bytes) -> None:
        self.transport.abort()

    def pause(self, data: bytes) -> None:
        self.transport.pause_reading()
        asyncio.get_running_loop().call_soon(self.transport.resume_reading)

    def silent(self, data: bytes) -> None:
        pass

    def eof_received(self) -> None:
        self.calls.append("eof")

    def connection_lost(self, exc: BaseException | None) -> None:
        self.calls.append(described(exc))
        self.done.set_result(None)


class Filled(Recorder, asyncio.BufferedProtocol):
    """The same with a buffer of its own."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.buffer = bytearray(3000)

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self.buffer)

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self.buffer[:nbytes]))


async def below(case: Case, sock: socket.socket) -> asyncio.Transport:
    """The transport that `start_tls()` takes; what the peer has said meanwhile waits in its socket."""
    loop = asyncio.get_running_loop()
    if case.place == "start_tls":
        transport = (await loop.create_connection(asyncio.Protocol, sock=sock))[0]
        transport.pause_reading()
        await asyncio.sleep(patience / 4)
        return transport
    context = context_of("1.3", case.is_server)
    if case.is_server:
        return (await loop.connect_accepted_socket(asyncio.Protocol, sock, ssl=context))[0]
    return (await loop.create_connection(asyncio.Protocol, sock=sock, ssl=context, server_hostname="localhost"))[0]


async def connect(case: Case, sock: socket.socket, protocol: Any) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    context = context_of(case.version, case.is_server)
    limits = {"ssl_handshake_timeout": 5, "ssl_shutdown_timeout": 5}
    if case.place != "socket":
        transport = await below(case, sock)
        protocol.connection_made(transport)
        if isinstance(protocol, asyncio.StreamReaderProtocol):
            protocol._over_ssl = True  # as `StreamWriter.start_tls()` does
        name = None if case.is_server else "localhost"
        secure = await loop.start_tls(
            transport, protocol, context, server_side=case.is_server, server_hostname=name, **limits
        )
        protocol.transport = secure
        return secure
    if case.is_server:
        return (await loop.connect_accepted_socket(lambda: protocol, sock, ssl=context, **limits))[0]
    name = "localhost"
    return (await loop.create_connection(lambda: protocol, sock=sock, ssl=context, server_hostname=name, **limits))[0]


async def by_protocol(case: Case, sock: socket.socket) -> tuple[bytes, list[Any]]:
    protocol = (Filled if case.way == "buffered" else Recorder)(case.conduct)
    try:
        await connect(case, sock, protocol)
    except OSError as error:
        sock.close()
        return b"", [described(error)]
    await protocol.done
    return bytes(protocol.data), protocol.calls


async def by_streams(case: Case, sock: socket.socket) -> tuple[bytes, list[Any]]:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    try:
        transport = await connect(case, sock, protocol)
    except OSError as error:
        sock.close()
        return b"", [described(error)]
    writer = asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
    data, calls = bytearray(), []
    try:
        while part := await reader.read(20_000):
            data += part
            if case.conduct == "echo":
                writer.write(part)
            elif case.conduct in ("close", "abort"):
                break
    except OSError as error:
        calls.append(described(error))
    if case.conduct == "abort":
        transport.abort()
    writer.close()
    try:
        await writer.wait_closed()
    except OSError as error:
        calls.append(described(error))
    return bytes(data), calls


async def run(case: Case) -> tuple[int, list[Any], bool]:
    """What became of the connection: how much the protocol got, what it was told besides, and whether that may vary."""
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    peer = Peer(case, near, far)
    way = by_streams if case.way == "streams" else by_protocol
    serving = asyncio.ensure_future(way(case, far))
    await peer.run()
    await peer.leave()
    data, calls = await serving
    sent = b"".join(message(index, size) for index, size in enumerate(case.messages))
    if not sent.startswith(data):
        calls.append("what arrived was never sent")
    return len(data), calls, case.at_once


def agree(expected: tuple[Any, ...], found: tuple[Any, ...]) -> bool:
    """Whether tepal did as asyncio. Data that came with a bad record behind it is delivered, which asyncio drops."""
    if "what arrived was never sent" in found[1] or found[3]:
        return False
    if found[2]:
        return True
    if found[0] > expected[0]:  # a reader that got the data may never have asked for the error
        return expected[3] == found[3] and expected[1][-1:] == found[1][-1:]
    return expected == found
