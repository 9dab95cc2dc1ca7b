"""Streams: every read with data that comes whole, in pieces, too late or not at all; patched and foreign readers."""

import asyncio
import inspect
import socket

import pytest


class Peer:
    """A stream over one end of a pair of sockets, and the plain other end."""

    def __init__(self, reader, writer, far):
        self.reader, self.writer, self.far = reader, writer, far

    def send(self, data):
        self.far.send(data)

    async def close(self):
        self.writer.close()
        await self.writer.wait_closed()
        self.far.close()


async def stream(limit=2**16):
    near, far = socket.socketpair()
    near.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=near, limit=limit)
    return Peer(reader, writer, far)


async def settle():
    """Let what was sent arrive."""
    for _ in range(5):
        await asyncio.sleep(0.001)


READS = {
    "read": (lambda reader: reader.read(5), b"a\nb-c", b"a\nb-c"),
    "read more": (lambda reader: reader.read(100), b"a\nb-cdef", b"a\nb-cdef"),
    "exactly": (lambda reader: reader.readexactly(5), b"a\nb-cd", b"a\nb-c"),
    "line": (lambda reader: reader.readline(), b"a\nb-cd", b"a\n"),
    "until": (lambda reader: reader.readuntil(b"b-"), b"a\nb-cd", b"a\nb-"),
    "until newline": (lambda reader: reader.readuntil(), b"a\nb-cd", b"a\n"),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("arrival", ["before", "after"])
async def test_reads(loop, name, arrival):
    read, data, expected = READS[name]
    peer = await stream()
    if arrival == "before":
        peer.send(data)
        await settle()
        assert await read(peer.reader) == expected
    else:
        reading = asyncio.ensure_future(read(peer.reader))
        await settle()
        assert not reading.done()
        peer.send(data)
        assert await reading == expected
    assert type(peer.reader._buffer) is bytearray
    assert bytes(peer.reader._buffer) == data[len(expected) :]
    assert peer.reader._waiter is None
    await peer.close()


@pytest.mark.parametrize("name", ["exactly", "line", "until", "until newline"])
async def test_reads_of_pieces(loop, name):
    read, data, expected = READS[name]
    peer = await stream()
    reading = asyncio.ensure_future(read(peer.reader))
    for position in range(len(data)):
        peer.send(data[position : position + 1])
        await settle()
    assert await reading == expected
    rest = await peer.reader.read(100) if len(expected) < len(data) else b""
    assert expected + rest == data
    await peer.close()


async def test_the_end_of_the_stream(loop):
    peer = await stream()
    peer.send(b"line\nrest")
    peer.far.shutdown(socket.SHUT_WR)
    await settle()
    assert not peer.reader.at_eof()
    assert await peer.reader.readline() == b"line\n"
    assert await peer.reader.readline() == b"rest"
    assert peer.reader.at_eof()
    assert await peer.reader.readline() == b""
    assert await peer.reader.read(5) == await peer.reader.read() == b""
    for read, expected in ((peer.reader.readexactly(3), 3), (peer.reader.readuntil(b"x"), None)):
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await read
        assert (caught.value.partial, caught.value.expected) == (b"", expected)
    await peer.close()


@pytest.mark.parametrize("wait", [False, True])
async def test_the_end_in_the_middle(loop, wait):
    for read, expected in (
        (lambda reader: reader.readexactly(10), 10),
        (lambda reader: reader.readuntil(b"xyz"), None),
    ):
        peer = await stream()
        reading = asyncio.ensure_future(read(peer.reader))
        if wait:
            await settle()
        peer.send(b"short")
        if wait:
            await settle()
        peer.far.shutdown(socket.SHUT_WR)
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await reading
        assert (caught.value.partial, caught.value.expected) == (b"short", expected)
        assert peer.reader._buffer == b""
        await peer.close()


async def test_odd_counts(loop):
    peer = await stream()
    peer.send(b"data")
    await settle()
    assert await peer.reader.read(0) == b"" == await peer.reader.readexactly(0)
    with pytest.raises(ValueError, match="less than zero"):
        await peer.reader.readexactly(-1)
    with pytest.raises(TypeError):
        await peer.reader.read("5")
    with pytest.raises(TypeError):
        await peer.reader.readexactly(None)
    with pytest.raises(TypeError):
        peer.reader.read(1, 2)
    with pytest.raises(TypeError):
        peer.reader.readexactly()
    with pytest.raises(ValueError, match="at least one"):
        await peer.reader.readuntil(b"")
    assert await peer.reader.read(n=True) == b"d"
    assert await peer.reader.readexactly(n=2) == b"at"
    peer.far.shutdown(socket.SHUT_WR)
    assert await peer.reader.read(-1) == b"a"
    await peer.close()


async def test_limits(loop):
    peer = await stream(limit=8)
    peer.send(b"0123456789abcdefghij")
    await settle()
    with pytest.raises(asyncio.LimitOverrunError, match="Separator is not found, and chunk exceed the limit") as caught:
        await peer.reader.readuntil(b"\n")
    assert caught.value.consumed == 20
    peer.send(b"\nnext\n")
    assert await peer.reader.readexactly(12) == b"0123456789ab"  # and the transport reads on
    await settle()
    peer.reader._buffer[:0] = b"01"
    with pytest.raises(asyncio.LimitOverrunError, match="Separator is found, but chunk is longer than limit") as caught:
        await peer.reader.readuntil(b"\n")
    assert caught.value.consumed == 10
    with pytest.raises(ValueError, match="Separator is found, but chunk is longer than limit") as caught:
        await peer.reader.readline()
    assert isinstance(caught.value.__context__, asyncio.LimitOverrunError)
    assert caught.value.__context__.consumed == 10 and caught.value.__cause__ is None
    assert await peer.reader.readline() == b"next\n"
    peer.send(b"x" * 30)
    await settle()
    with pytest.raises(ValueError, match="Separator is not found, and chunk exceed the limit"):
        await peer.reader.readline()
    assert peer.reader._buffer == b""
    peer.send(b"fine\n")
    assert await peer.reader.readline() == b"fine\n"
    await peer.close()


async def test_the_transport_pauses_and_resumes(loop):
    peer = await stream(limit=100)
    transport = peer.writer.transport
    peer.send(b"x" * 150)
    await settle()
    assert transport.is_reading() and not peer.reader._paused
    peer.send(b"x" * 150)
    await settle()
    assert not transport.is_reading() and peer.reader._paused
    peer.send(b"y" * 50)
    await settle()
    assert len(peer.reader._buffer) == 300
    assert await peer.reader.readexactly(150) == b"x" * 150
    assert not transport.is_reading()
    assert await peer.reader.readexactly(100) == b"x" * 100
    assert transport.is_reading() and not peer.reader._paused
    assert await peer.reader.readexactly(100) == b"x" * 50 + b"y" * 50
    peer.send(b"z" * 300)
    await settle()
    assert not transport.is_reading()
    reading = asyncio.ensure_future(peer.reader.readexactly(600))
    await settle()
    assert transport.is_reading()
    for _ in range(3):
        peer.send(b"z" * 100)
        await settle()
    assert await reading == b"z" * 600
    await peer.close()


async def test_two_readers_at_once(loop):
    peer = await stream()
    first = asyncio.ensure_future(peer.reader.read(1))
    await settle()
    for read, name in (
        (peer.reader.read(1), "read"),
        (peer.reader.readexactly(1), "readexactly"),
        (peer.reader.readuntil(b"x"), "readuntil"),
        (peer.reader.readline(), "readuntil"),
    ):
        with pytest.raises(RuntimeError) as caught:
            await read
        expected = f"{name}() called while another coroutine is already waiting for incoming data"
        assert str(caught.value) == expected
    peer.send(b"a")
    assert await first == b"a"
    await peer.close()


async def test_a_cancelled_read(loop):
    peer = await stream()
    reading = asyncio.ensure_future(peer.reader.readexactly(4))
    await settle()
    peer.send(b"ab")
    await settle()
    reading.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert peer.reader._waiter is None
    peer.send(b"cd")
    assert await peer.reader.readexactly(4) == b"abcd"
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(peer.reader.read(1), 0.005)
    peer.send(b"e")
    assert await asyncio.wait_for(peer.reader.read(1), 5) == b"e"
    # Cancelled when the data is there, but before the reader has run.
    reading = asyncio.ensure_future(peer.reader.read(1))
    await settle()
    peer.reader.feed_data(b"f")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await peer.reader.read(1) == b"f"
    await peer.close()


async def test_reads_are_lazy_coroutines(loop):
    peer = await stream()
    peer.send(b"abcd")
    await settle()
    second, first = peer.reader.read(2), peer.reader.read(2)
    assert asyncio.iscoroutine(first) and inspect.isawaitable(first)
    assert await first == b"ab"
    assert await asyncio.create_task(second) == b"cd"
    third = peer.reader.read(1)
    third.close()
    assert await asyncio.gather(peer.reader.read(0), asyncio.sleep(0, "slept")) == [b"", "slept"]
    reading = peer.reader.readline()
    future = reading.send(None)
    assert asyncio.isfuture(future)
    reading.close()
    assert peer.reader._waiter is None
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        reading.send(None)
    await peer.close()


async def test_an_exception_of_the_stream(loop):
    peer = await stream()
    reading = asyncio.ensure_future(peer.reader.readline())
    await settle()
    error = ZeroDivisionError("of the stream")
    peer.reader.set_exception(error)
    with pytest.raises(ZeroDivisionError):
        await reading
    assert peer.reader.exception() is error
    for read in (peer.reader.read(1), peer.reader.readexactly(1), peer.reader.readline(), peer.reader.readuntil()):
        with pytest.raises(ZeroDivisionError):
            await read
    with pytest.raises(ZeroDivisionError):
        await peer.writer.drain()
    await peer.close()


async def test_iteration(loop):
    peer = await stream()
    peer.send(b"one\ntwo\nthree")
    peer.far.shutdown(socket.SHUT_WR)
    assert [line async for line in peer.reader] == [b"one\n", b"two\n", b"three"]
    await peer.close()


async def test_a_method_replaced_on_the_reader(loop):
    peer = await stream()
    seen = []
    original = peer.reader.feed_data
    peer.reader.feed_data = lambda data: (seen.append(data), original(data))
    peer.send(b"data")
    assert await peer.reader.read(10) == b"data"
    peer.reader.read = lambda n: "replaced"
    assert peer.reader.read(5) == "replaced"
    assert seen == [b"data"]
    await peer.close()


async def test_a_method_replaced_on_the_class(loop, monkeypatch):
    peer = await stream()
    peer.send(b"first")
    assert await peer.reader.read(10) == b"first"
    seen = []
    original = asyncio.StreamReader.feed_data

    def feed_data(self, data):
        seen.append(bytes(data))
        original(self, data)

    monkeypatch.setattr(asyncio.StreamReader, "feed_data", feed_data)
    peer.send(b"second")
    assert await peer.reader.read(10) == b"second"
    assert seen == [b"second"]
    monkeypatch.undo()
    peer.send(b"third")
    assert await peer.reader.read(10) == b"third"
    assert seen == [b"second"]
    await peer.close()


async def test_subclasses_are_left_alone(loop):
    class Reader(asyncio.StreamReader):
        def feed_data(self, data):
            super().feed_data(data.upper())

    near, far = socket.socketpair()
    near.setblocking(False)
    reader = Reader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, sock=near)
    far.send(b"data")
    assert await reader.readexactly(4) == b"DATA"
    assert type(reader) is Reader and type(protocol) is asyncio.StreamReaderProtocol
    transport.close()
    await protocol._get_close_waiter(None)
    far.close()


async def test_a_view_of_the_buffer_ends_the_connection(loop, reports):
    """A bytearray of which somebody holds a view cannot grow."""
    peer = await stream()
    peer.send(b"data")
    await settle()
    view = memoryview(peer.reader._buffer)
    peer.send(b"more")
    await settle()
    context = reports.take_one()
    assert context["message"] == "Fatal error: protocol.data_received() call failed."
    assert isinstance(context["exception"], BufferError)
    view.release()
    with pytest.raises(BufferError):
        await peer.writer.wait_closed()
    peer.far.close()


async def test_a_server_of_streams(loop):
    """Ten connections at once, each a hundred lines forth and back."""

    async def echo(reader, writer):
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()

    async def talk(name):
        reader, writer = await asyncio.open_connection(*address)
        for number in range(100):
            line = b"%d: %d\n" % (name, number)
            writer.write(line)
            await writer.drain()
            assert await reader.readexactly(len(line)) == line
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(talk(name) for name in range(10)))
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("given", "expected", "message"),
    [
        (lambda: KeyError("mine"), KeyError, "mine"),
        (lambda: EOFError, EOFError, "^$"),
        (lambda: "text", TypeError, "exceptions must derive from BaseException"),
    ],
)
async def test_what_a_program_sets_as_the_exception(loop, given, expected, message):
    reader = asyncio.StreamReader()
    exception = given()
    reader.set_exception(exception)
    assert reader.exception() is exception
    for read in (reader.read(1), reader.readline(), reader.readexactly(1), reader.readuntil()):
        with pytest.raises(expected, match=message):
            await read
