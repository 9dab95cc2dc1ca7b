"""Every byte arrives whole and in order, however the ciphertext is cut, delayed or broken off on the way."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import socket
import struct

import pytest
from certificates import made
from contexts import VERSIONS, client_context, server_context
from server_process import described


class Way:
    """A relay between client and server that cuts what it passes on at random, and may break off."""

    def __init__(self, chance: random.Random, port: int, end: str | None, after: int) -> None:
        self.chance = chance
        self.port = port
        self.end = end
        self.after = after
        self.passed = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def accept(self, listener):
        loop = asyncio.get_running_loop()
        near, _ = await loop.sock_accept(listener)
        far = socket.create_connection(("127.0.0.1", self.port))
        for sock in (near, far):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tasks = [asyncio.ensure_future(self.relay(*pair)) for pair in ((near, far), (far, near))]
        try:
            await asyncio.gather(*self.tasks)
        finally:
            if self.end == "reset":
                for sock in (near, far):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            near.close()
            far.close()

    async def relay(self, source, target):
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await loop.sock_recv(source, 1 << 16):
                while data:
                    size = self.chance.choice((1, 2, 5, 29, 500, 1400, 16_000, len(data)))
                    await loop.sock_sendall(target, data[:size])
                    self.passed += min(size, len(data))
                    data = data[size:]
                    if self.end is not None and self.passed > self.after:
                        for task in self.tasks:
                            task.cancel()
                    if self.chance.random() < 0.2:
                        await asyncio.sleep(0)
            target.shutdown(socket.SHUT_WR)


class Side(asyncio.Protocol):
    """Sends messages of random sizes in random ways, and sums up what it gets."""

    def __init__(self, seed: int, total: int) -> None:
        self.chance = random.Random(seed)
        self.left = total
        self.got = hashlib.sha256()
        self.sent = hashlib.sha256()
        self.count = 0
        self.paused = False
        self.ends: list[object] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.go_on()

    def go_on(self):
        while self.left > 0 and not self.paused and not self.transport.is_closing():
            size = min(self.left, self.chance.choice((1, 10, 1000, 16_384, 70_000)))
            data = self.chance.randbytes(size)
            self.left -= size
            self.sent.update(data)
            way = self.chance.randrange(4)
            if way == 0:
                self.transport.write(data)
            elif way == 1:
                self.transport.write(bytearray(data))
            elif way == 2:
                self.transport.write(memoryview(data))
            else:
                middle = size // 2
                self.transport.writelines([data[:middle], b"", data[middle:]])

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False
        self.go_on()

    def data_received(self, data):
        assert type(data) is bytes
        self.got.update(data)
        self.count += len(data)
        if self.chance.random() < 0.1:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(0.001, self.transport.resume_reading)

    def eof_received(self):
        self.ends.append("eof")

    def connection_lost(self, exc):
        self.ends.append(described(exc) and described(exc)[0])
        self.done.set_result(None)


class Filled(Side, asyncio.BufferedProtocol):
    """The same with a buffer of its own."""

    def connection_made(self, transport):
        self.buffer = bytearray(self.chance.choice((700, 5000, 100_000)))
        super().connection_made(transport)

    def get_buffer(self, sizehint):
        # asyncio's TLS takes slices of it, which of a bytearray would be copies.
        return memoryview(self.buffer)

    def buffer_updated(self, nbytes):
        self.data_received(bytes(self.buffer[:nbytes]))


async def connect_through(seed, version, kinds, totals, end=None, after=0):
    """A connection whose ciphertext goes through a `Way`; returns both sides and the way's Task."""
    loop = asyncio.get_running_loop()
    arrived = loop.create_future()

    def accepted():
        server_side = kinds[1](seed + 1, totals[1])
        arrived.set_result(server_side)
        return server_side

    server = await loop.create_server(
        accepted, "127.0.0.1", 0, ssl=server_context(made(), version), ssl_shutdown_timeout=0.5
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        way = Way(random.Random(seed), server.sockets[0].getsockname()[1], end, after)
        relaying = asyncio.ensure_future(way.accept(listener))
        try:
            _, client = await loop.create_connection(
                lambda: kinds[0](seed, totals[0]),
                *listener.getsockname(),
                ssl=client_context(made(), version),
                server_hostname="localhost",
                ssl_shutdown_timeout=0.5,
            )
        finally:
            server.close()
    return client, await arrived, relaying


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.timeout(60)
async def test_everything_arrives(loop, version, seed):
    kinds = [(Side, Side), (Filled, Side), (Side, Filled)][seed % 3]
    totals = (400_000, 300_000)
    client, server, relaying = await connect_through(100 * seed, version, kinds, totals)
    while (client.count, server.count) != (totals[1], totals[0]):
        await asyncio.sleep(0.005)
    assert client.sent.digest() == server.got.digest()
    assert server.sent.digest() == client.got.digest()
    client.transport.close()
    await asyncio.gather(client.done, server.done)
    await asyncio.wait([relaying])
    assert client.ends[-1] is None and server.ends == ["eof", None]


@pytest.mark.parametrize("end", ["reset", "close"])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.timeout(60)
async def test_a_connection_that_breaks_off(loop, seed, end):
    after = 5000 + 40_000 * seed
    kinds = [(Side, Side), (Filled, Filled)][seed % 2]
    client, server, relaying = await connect_through(seed, "1.3", kinds, (1 << 24, 1 << 24), end, after)
    await asyncio.gather(client.done, server.done)
    await asyncio.wait([relaying])
    for side in (client, server):
        # What came is a beginning of what was sent: the first difference would be an SSLError.
        assert side.ends[-1] in (None, "builtins.ConnectionResetError", "builtins.BrokenPipeError")
        assert side.ends.count("eof") <= 1
        assert side.transport.is_closing()
        side.transport.write(b"ignored")


class Buffered(asyncio.BufferedProtocol):
    """Has a small buffer; after so many bytes it pauses, or closes."""

    def __init__(self, stop_after=None, stop="pause_reading"):
        self.stop_after, self.stop = stop_after, stop
        self.buffer = bytearray(1000)
        self.got = bytearray()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, sizehint):
        return memoryview(self.buffer)

    def buffer_updated(self, nbytes):
        self.got += self.buffer[:nbytes]
        if self.stop_after is not None and len(self.got) >= self.stop_after:
            self.stop_after = None
            getattr(self.transport, self.stop)()

    def connection_lost(self, exc):
        self.done.set_result(exc)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("stop", ["pause_reading", "abort", None])
async def test_a_buffer_that_is_filled_many_times(loop, version, stop):
    """What arrives at once is far more than the program's buffer holds."""
    sides = []

    def serve():
        sides.append(Buffered(5000 if stop else None, stop))
        return sides[-1]

    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=server_context(made(), version))
    port = server.sockets[0].getsockname()[1]
    context = client_context(made(), version)
    transport, _ = await loop.create_connection(
        asyncio.Protocol, "127.0.0.1", port, ssl=context, server_hostname="localhost"
    )
    data = random.Random(7).randbytes(100_000)
    transport.write(data)
    async with asyncio.timeout(20):
        while not sides or len(sides[0].got) < (5000 if stop else len(data)):
            await asyncio.sleep(0.001)
        (side,) = sides
        if stop == "pause_reading":
            await asyncio.sleep(0.02)
            assert side.got == data[:5000]
            side.transport.resume_reading()
            while len(side.got) < len(data):
                await asyncio.sleep(0.001)
        if stop != "abort":
            assert side.got == data
            transport.close()
        assert await side.done is None
        if stop == "abort":
            assert side.got == data[:5000]
    transport.abort()
    server.close()
    await server.wait_closed()
