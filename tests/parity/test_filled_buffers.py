"""A `BufferedProtocol` whose buffer is smaller than what has arrived (decision 23)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

PART = 4096
PARTS = 6

Each = Callable[["Filled", bytes], None]


class Filled(asyncio.BufferedProtocol):
    """Notes each part in a list that all connections share, and answers it out of memory that the next part changes."""

    def __init__(self, name: str, seen: list[Any], each: Each | None) -> None:
        self.name, self.seen, self.each = name, seen, each
        self.buffer = bytearray(PART)
        self.parts = 0
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.pause_reading()

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.parts += 1
        self.seen.append((self.name, nbytes))
        if self.each is None:
            self.transport.write(memoryview(self.buffer)[:nbytes])
        else:
            self.each(self, bytes(self.buffer[:nbytes]))

    def eof_received(self) -> None:
        self.seen.append((self.name, "eof"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.append((self.name, type(exc).__name__))
        self.lost.set_result(None)


def content(size: int = PART * PARTS) -> bytes:
    """Bytes of which no two parts are alike."""
    return b"".join(number.to_bytes(4, "big") for number in range(size // 4))


class Pair:
    """Two connections, A and B, whose bytes have all arrived before the loop looks at them."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.peers: list[socket.socket] = []
        self.protocols: list[Filled] = []

    async def connect(self, each: Each | None, size: int) -> None:
        loop = asyncio.get_running_loop()
        for name in "AB":
            mine, peer = socket.socketpair()
            self.peers.append(peer)
            protocol = Filled(name, self.seen, each)
            await loop.create_connection(lambda protocol=protocol: protocol, sock=mine)
            self.protocols.append(protocol)
            peer.sendall(content(size))
            peer.setblocking(False)

    def resume(self) -> None:
        for protocol in self.protocols:
            protocol.transport.resume_reading()

    async def answers(self, size: int) -> list[bytes]:
        """What each peer receives until it has ``size`` bytes or the end."""
        loop = asyncio.get_running_loop()
        found = []
        for peer in self.peers:
            got = b""
            while len(got) < size and (data := await asyncio.wait_for(loop.sock_recv(peer, 1 << 16), 5)):
                got += data
            found.append(got)
        return found

    def of(self, name: str) -> list[Any]:
        return [what for who, what in self.seen if who == name]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not done():
                await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def connected(each: Each | None = None, size: int = PART * PARTS) -> AsyncIterator[Pair]:
    pair = Pair()
    try:
        await pair.connect(each, size)
        yield pair
    finally:
        for protocol in pair.protocols:
            protocol.transport.abort()
        for peer in pair.peers:
            peer.close()
        await asyncio.gather(*[protocol.lost for protocol in pair.protocols])


async def test_answers_are_whole_although_the_buffer_changes(loop: asyncio.AbstractEventLoop) -> None:
    async with connected() as pair:
        pair.resume()
        assert await pair.answers(PART * PARTS) == [content()] * 2


async def test_large_answers_are_whole(loop: asyncio.AbstractEventLoop) -> None:
    def each(protocol: Filled, data: bytes) -> None:
        protocol.transport.write(data * 30)

    async with connected(each) as pair:
        pair.resume()
        parts = [content()[at : at + PART] for at in range(0, PART * PARTS, PART)]
        assert await pair.answers(30 * PART * PARTS) == [b"".join(part * 30 for part in parts)] * 2


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
async def test_tepal_reads_on(loop: asyncio.AbstractEventLoop) -> None:
    async with connected() as pair:
        pair.resume()
        await pair.answers(PART * PARTS)
        names = "".join(name for name, _ in pair.seen)
        assert names.startswith(("AAAAB", "BBBBA")), names


async def test_what_the_protocol_makes_ready_runs_before_the_next_part(loop: asyncio.AbstractEventLoop) -> None:
    def each(protocol: Filled, data: bytes) -> None:
        loop.call_soon(pair.seen.append, (protocol.name, "called"))

    async with connected(each) as pair:
        pair.resume()
        await pair.until(lambda: len(pair.seen) >= 4 * PARTS)
        for name in "AB":
            assert pair.of(name) == [PART, "called"] * PARTS


@pytest.mark.parametrize("part", [1, 2, 3, 4])
async def test_pause_reading_holds_from_the_next_part_on(loop: asyncio.AbstractEventLoop, part: int) -> None:
    def each(protocol: Filled, data: bytes) -> None:
        if protocol.parts == part:
            protocol.transport.pause_reading()

    async with connected(each) as pair:
        pair.resume()
        await asyncio.sleep(0.02)
        assert [protocol.parts for protocol in pair.protocols] == [part] * 2
        pair.resume()
        await pair.until(lambda: len(pair.seen) >= 2 * PARTS)


@pytest.mark.parametrize("part", [1, 2, 4])
def test_stop_holds_from_the_next_part_on(loop: asyncio.AbstractEventLoop, part: int) -> None:
    def each(protocol: Filled, data: bytes) -> None:
        if protocol.parts == part and protocol.name == "A":
            loop.stop()

    entered = connected(each)
    pair = loop.run_until_complete(entered.__aenter__())
    try:
        pair.resume()
        loop.run_forever()
        assert pair.protocols[0].parts == part
    finally:
        loop.run_until_complete(entered.__aexit__(None, None, None))


@pytest.mark.parametrize("end", ["close", "abort", "write_eof"])
@pytest.mark.parametrize("parts", [1, 2, 4, 5])
async def test_what_was_answered_before_the_end_arrives(loop: asyncio.AbstractEventLoop, end: str, parts: int) -> None:
    def each(protocol: Filled, data: bytes) -> None:
        protocol.transport.write(data)
        if protocol.parts == parts:
            getattr(protocol.transport, end)()

    lost = [] if end == "write_eof" else ["NoneType"]
    async with connected(each, parts * PART) as pair:
        pair.resume()
        assert await pair.answers(1 << 20) == [content(parts * PART)] * 2
        for name in "AB":
            assert pair.of(name) == [PART] * parts + lost


@pytest.mark.parametrize("part", [1, 2, 3])
async def test_what_was_answered_before_an_exception_arrives(
    loop: asyncio.AbstractEventLoop, reports: Any, part: int
) -> None:
    def each(protocol: Filled, data: bytes) -> None:
        protocol.transport.write(data)
        if protocol.parts == part:
            raise LookupError("of the protocol")

    async with connected(each, part * PART) as pair:
        pair.resume()
        assert await pair.answers(1 << 20) == [content(part * PART)] * 2
        for name in "AB":
            assert pair.of(name) == [PART] * part + ["LookupError"]
    messages = [report["message"] for report in reports.take()]
    assert messages == ["Fatal error: protocol.buffer_updated() call failed."] * 2


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 5])
async def test_answers_are_sent_before_the_end_is_told(loop: asyncio.AbstractEventLoop, parts: int) -> None:
    async with connected(size=parts * PART) as pair:
        for peer in pair.peers:
            peer.shutdown(socket.SHUT_WR)
        pair.resume()
        assert await pair.answers(1 << 20) == [content(parts * PART)] * 2
        for name in "AB":
            assert pair.of(name) == [PART] * parts + ["eof", "NoneType"]


@pytest.mark.parametrize("part", [1, 2, 4])
async def test_another_protocol_gets_the_rest(loop: asyncio.AbstractEventLoop, part: int) -> None:
    class Rest(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            rest.extend(data)

    def each(protocol: Filled, data: bytes) -> None:
        if protocol.parts == part:
            protocol.transport.set_protocol(Rest())
            protocol.lost.set_result(None)

    rest = bytearray()
    async with connected(each) as pair:
        pair.resume()
        await pair.until(lambda: len(rest) >= 2 * PART * (PARTS - part))
        assert len(pair.seen) == 2 * part


@pytest.mark.parametrize("part", [1, 3])
async def test_the_size_of_the_write_buffer_is_what_was_not_sent(loop: asyncio.AbstractEventLoop, part: int) -> None:
    def each(protocol: Filled, data: bytes) -> None:
        protocol.transport.write(data)
        if protocol.parts == part:
            sizes.append(protocol.transport.get_write_buffer_size())

    sizes: list[int] = []
    async with connected(each) as pair:
        pair.resume()
        assert await pair.answers(PART * PARTS) == [content()] * 2
        assert sizes == [0, 0]
