"""The reader and the writer of a server: attributes, packets seen from all sides, ends that nobody awaits."""

import asyncio
import gc
import socket
import ssl
import sys
import warnings
import weakref

import pytest


async def settle():
    """Let what was sent arrive."""
    for _ in range(5):
        await asyncio.sleep(0.001)


class Served:
    """One connection of a server of streams, and the plain socket at its other end."""

    async def open(self, limit=2**16):
        connected = []
        self.server = await asyncio.start_server(
            lambda reader, writer: connected.append((reader, writer)), "127.0.0.1", 0, limit=limit
        )
        self.far = socket.create_connection(self.server.sockets[0].getsockname())
        while not connected:
            await asyncio.sleep(0.001)
        self.reader, self.writer = connected.pop()
        return self

    async def send(self, data):
        self.far.send(data)
        await settle()

    async def close(self):
        self.writer.close()
        await self.writer.wait_closed()
        self.far.close()
        self.server.close()
        await self.server.wait_closed()


async def test_the_attributes_of_a_reader(loop):
    served = await Served().open(limit=1000)
    reader = served.reader
    assert isinstance(reader, asyncio.StreamReader)
    assert (reader._buffer, reader._eof, reader._paused) == (b"", False, False)
    assert (reader._waiter, reader._exception, reader._limit) == (None, None, 1000)
    assert reader._loop is loop and reader._transport is served.writer.transport
    assert reader._source_traceback is None
    assert served.writer._protocol._stream_reader is reader
    assert repr(reader).startswith("<StreamReader limit=1000 transport=")
    await served.send(b"data")
    assert repr(reader).startswith("<StreamReader 4 bytes limit=1000 transport=")
    reading = asyncio.ensure_future(reader.readexactly(10))
    await settle()
    assert asyncio.isfuture(reader._waiter) and "waiter=<" in repr(reader)
    reading.cancel()
    await asyncio.wait([reading])
    assert reader._waiter is None and await reader.read(10) == b"data"
    reader.mine = 1
    assert reader.mine == 1
    del reader.mine
    assert not hasattr(reader, "mine")
    assert weakref.ref(reader)() is reader
    await served.close()


async def test_the_attributes_of_a_writer(loop):
    served = await Served().open()
    writer = served.writer
    assert isinstance(writer, asyncio.StreamWriter)
    assert writer._transport is writer.transport and writer._reader is served.reader
    assert writer._loop is loop and isinstance(writer._protocol, asyncio.StreamReaderProtocol)
    assert writer._complete_fut.done()
    assert repr(writer).startswith("<StreamWriter transport=<") and "reader=<StreamReader" in repr(writer)
    assert writer.get_extra_info("peername") == served.far.getsockname()
    assert writer.can_write_eof() and not writer.is_closing()
    writer.writelines([b"one", b"two"])
    writer.write_eof()
    assert served.far.recv(100) == b"onetwo" and served.far.recv(1) == b""
    writer.mine = 1
    assert writer.mine == 1 and weakref.ref(writer)() is writer
    await served.close()


async def test_a_packet_seen_as_buffer(loop):
    served = await Served().open()
    reader = served.reader
    await served.send(b"abcdef")
    assert await reader.read(2) == b"ab"
    buffer = reader._buffer
    assert type(buffer) is bytearray and buffer == b"cdef"
    await served.send(b"ghi")
    assert buffer == b"cdefghi" and reader._buffer is buffer
    assert await reader.read(100) == b"cdefghi" and buffer == b""
    await served.send(b"jk")
    assert buffer == b"jk"
    del buffer[:1]
    assert await reader.read(100) == b"k"
    del buffer
    await served.send(b"lm")
    assert await reader.readexactly(1) == b"l"
    reader.feed_data(b"no")
    await served.send(b"p")
    assert await reader.readexactly(4) == b"mnop"
    reader._buffer = bytearray(b"of mine")
    assert await reader.read(2) == b"of" and reader._buffer == b" mine"
    await served.close()


async def test_packets_larger_and_smaller_than_the_read(loop):
    served = await Served().open()
    reader = served.reader
    content = bytes(range(256)) * 1200
    sending = loop.run_in_executor(None, served.far.sendall, content)
    received = b""
    for count in (1, 70_000, 3, 65_536, 131_072, 100):
        received += await reader.readexactly(count)
    while len(received) < len(content):
        piece = await reader.read(65_536)
        assert 0 < len(piece) <= 65_536
        received += piece
    await sending
    assert received == content
    await served.close()


async def test_lines_across_packets(loop):
    served = await Served().open()
    reader = served.reader
    await served.send(b"one\ntwo\nth")
    assert await reader.readline() == b"one\n"
    assert await reader.readuntil(b"o\n") == b"two\n"
    reading = asyncio.ensure_future(reader.readline())
    await served.send(b"ree\nrest")
    assert await reading == b"three\n"
    served.far.shutdown(socket.SHUT_WR)
    await settle()
    assert not reader.at_eof()
    with pytest.raises(TypeError):
        reader.at_eof(1)
    assert await reader.read() == b"rest"
    assert reader.at_eof() and await reader.read(1) == b""
    await served.close()


async def test_the_end_set_by_hand(loop):
    served = await Served().open()
    reader = served.reader
    reading = asyncio.ensure_future(reader.read(5))
    await settle()
    reader.feed_eof()
    assert await reading == b"" and reader._eof and reader.at_eof()
    reader._eof = False
    await served.send(b"data")
    assert await reader.read(5) == b"data"
    await served.close()


@pytest.mark.parametrize("name", ["feed_data", "_wait_for_data", "_maybe_resume_transport", "_wakeup_waiter"])
async def test_a_method_replaced_on_a_reader(loop, name):
    served = await Served().open(limit=10)
    reader = served.reader
    original, seen = getattr(reader, name), []
    if name == "_wait_for_data":

        async def replacement(function):
            seen.append(function)
            await original(function)

    else:

        def replacement(*arguments):
            seen.append(arguments)
            return original(*arguments)

    setattr(reader, name, replacement)
    reading = asyncio.ensure_future(reader.read(100))
    await served.send(b"data")
    assert await reading == b"data"
    assert seen
    delattr(reader, name)
    reading = asyncio.ensure_future(reader.readline())
    await served.send(b"more\n")
    assert await reading == b"more\n"
    await served.close()


async def test_a_reader_that_changes_its_class(loop):
    served = await Served().open()
    with pytest.raises(TypeError):
        served.reader.__class__ = int
    await served.send(b"data")
    assert await served.reader.read(10) == b"data"
    await served.close()


async def test_a_reader_that_nobody_keeps(loop):
    served = await Served().open()
    transport, reader = served.writer.transport, weakref.ref(served.reader)
    served.reader = served.writer._reader = None
    gc.collect()
    assert reader() is None
    for _ in range(50):
        served.far.send(b"x" * 10_000)
        await asyncio.sleep(0)
    await settle()
    # asyncio drops what arrives then, and goes on reading.
    assert transport.is_reading()
    await served.writer.drain()
    await served.close()


@pytest.mark.skipif(sys.version_info < (3, 13), reason="the protocol keeps the writer")
async def test_a_writer_that_nobody_closes(loop):
    served = await Served().open()
    transport = served.writer.transport
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        served.writer = served.reader = None
        gc.collect()
    expected = [warning for warning in caught if "unclosed <StreamWriter" in str(warning.message)]
    assert len(expected) == 1 and transport.is_closing()
    await settle()
    assert served.far.recv(10) == b""
    served.far.close()
    served.server.close()
    await served.server.wait_closed()


async def test_a_read_outlives_every_other_reference(loop):
    served = await Served().open()
    reading = asyncio.ensure_future(served.reader.readexactly(8))
    writer, served.reader = served.writer, None
    writer._reader = None
    await settle()
    gc.collect()
    await served.send(b"1234")
    gc.collect()
    await served.send(b"5678")
    assert await reading == b"12345678"
    await served.close()


async def test_drain_of_a_paused_writer_with_another_reader(loop):
    served = await Served().open()
    error = ZeroDivisionError("of the other reader")
    other = asyncio.StreamReader(loop=loop)
    other.set_exception(error)
    served.writer._reader = other
    with pytest.raises(ZeroDivisionError):
        await served.writer.drain()
    served.writer._reader = served.reader
    await served.writer.drain()
    served.reader.set_exception(error)
    with pytest.raises(ZeroDivisionError):
        await served.writer.drain()
    with pytest.raises(ZeroDivisionError):
        await served.reader.read(1)
    await served.close()


async def test_drain_is_lazy(loop):
    """What a coroutine does, it does when it is awaited."""
    served = await Served().open()
    draining = served.writer.drain()
    served.writer.write(b"x" * 8_000_000)
    waiting = asyncio.ensure_future(draining)
    await settle()
    assert not waiting.done()
    served.writer.transport.abort()
    await waiting
    served.far.close()
    served.server.close()
    await served.server.wait_closed()


async def test_two_reads_at_once_on_a_server(loop):
    served = await Served().open()
    first = asyncio.ensure_future(served.reader.read(1))
    await settle()
    with pytest.raises(RuntimeError, match=r"readexactly\(\) called while another coroutine is already waiting"):
        await served.reader.readexactly(1)
    await served.send(b"a")
    assert await first == b"a"
    await served.close()


async def test_a_reset_reaches_the_reader(loop):
    served = await Served().open()
    reading = asyncio.ensure_future(served.reader.read(1))
    await settle()
    served.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    served.far.close()
    with pytest.raises(ConnectionResetError):
        await reading
    assert isinstance(served.reader.exception(), ConnectionResetError)
    with pytest.raises(ConnectionResetError):
        await served.writer.drain()
    served.writer.close()
    with pytest.raises(ConnectionResetError):
        await served.writer.wait_closed()
    served.server.close()
    await served.server.wait_closed()


async def test_start_tls_of_a_served_writer_without_a_handshake(loop):
    served = await Served().open()
    await served.send(b"no handshake at all")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    upgrading = asyncio.ensure_future(served.writer.start_tls(context))
    await settle()
    served.far.send(b"nonsense" * 10)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await upgrading
    served.far.close()
    served.server.close()
    await served.server.wait_closed()


@pytest.mark.parametrize("library", ["tepal"], indirect=True)  # on asyncio it depends on the collector's order
async def test_an_error_that_only_wait_closed_would_tell_is_never_reported(loop):
    """Whether the collector ends the protocol, which keeps asyncio from reporting, before the Future or after it."""
    served = await Served().open()
    served.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    served.far.close()
    with pytest.raises(ConnectionResetError):
        await served.reader.read()
    await settle()
    closed = served.writer._protocol._closed
    assert closed.done() and not closed._log_traceback
    with pytest.raises(ConnectionResetError):
        await served.writer.wait_closed()
    served.server.close()
    await served.server.wait_closed()
