"""Transports of pipes: what they take, reading, the end of either side, streams."""

import asyncio
import gc
import logging
import os
import pty
import socket
import tempfile
import tty
import weakref

import pytest
from endpoints import Recorder
from pipe_ends import Ends, read_end, write_end
from turns import run_turns, run_until


@pytest.fixture
def ends():
    ends = Ends()
    yield ends
    ends.close()


def test_the_read_end(loop, ends):
    protocol = Recorder()
    transport = read_end(loop, ends.reading, protocol)
    assert isinstance(transport, asyncio.ReadTransport) and not isinstance(transport, asyncio.WriteTransport)
    assert transport is protocol.transport and transport.get_protocol() is protocol
    assert transport.get_extra_info("pipe") is ends.reading
    assert transport.get_extra_info("nothing") is None and transport.get_extra_info("nothing", default=5) == 5
    assert transport.is_reading() and not transport.is_closing()
    assert transport.max_size == 256 * 1024
    assert f"fd={ends.reading.fileno()} polling>" in repr(transport)
    assert not os.get_blocking(ends.reading.fileno())
    assert not hasattr(transport, "write") and not hasattr(transport, "abort")
    transport.own = "attributes are allowed"
    assert weakref.ref(transport)() is transport
    ends.writing.write(b"one")
    run_until(loop, lambda: protocol.data == b"one")
    number = ends.reading.fileno()
    transport.close()
    transport.close()
    assert transport.is_closing() and not transport.is_reading() and "closing" in repr(transport)
    assert protocol.names == ["made", "data"]
    run_turns(loop, 2)
    assert protocol.names == ["made", "data", "lost"] and protocol.calls[-1] == ("lost", None)
    assert ends.reading.closed and transport.get_protocol() is None
    assert repr(transport).endswith(f"closed fd={number} closed>")
    transport.pause_reading()
    transport.resume_reading()
    transport.close()
    assert transport.get_extra_info("pipe") is ends.reading


def regular_file():
    return tempfile.TemporaryFile(buffering=0)


def test_regular_files_are_refused(loop):
    with regular_file() as file:
        with pytest.raises(ValueError, match=r"^Pipe transport is for pipes/sockets only\.$"):
            read_end(loop, file, Recorder())
        gc.collect()
        with pytest.raises(ValueError, match=r"^Pipe transport is only for pipes, sockets and character devices$"):
            write_end(loop, file, Recorder())
        gc.collect()
        assert not file.closed and os.get_blocking(file.fileno())


def test_files_that_are_closed(loop, ends, library):
    if not library.is_tepal:
        pytest.skip("asyncio's transport is left half made, and its __del__ fails")
    ends.close()
    with pytest.raises(ValueError, match="closed file"):
        read_end(loop, ends.reading, Recorder())
    with pytest.raises(ValueError, match="closed file"):
        write_end(loop, ends.writing, Recorder())


def test_the_end_of_what_is_read(loop, ends):
    protocol = Recorder()
    transport = read_end(loop, ends.reading, protocol)
    ends.writing.write(b"last")
    ends.writing.close()
    run_until(loop, lambda: "lost" in protocol.names)
    assert protocol.calls == [("made",), ("data", b"last"), ("eof",), ("lost", None)]
    assert transport.is_closing() and ends.reading.closed


def test_an_answer_to_the_end_changes_nothing(loop, ends):
    class Willing(Recorder):
        def eof_received(self):
            super().eof_received()
            return True

    protocol = Willing()
    read_end(loop, ends.reading, protocol)
    ends.writing.close()
    run_until(loop, lambda: "lost" in protocol.names)
    assert protocol.names == ["made", "eof", "lost"]


def test_pausing(loop, ends):
    protocol = Recorder()
    transport = read_end(loop, ends.reading, protocol)
    transport.pause_reading()
    transport.pause_reading()
    assert not transport.is_reading() and "idle" in repr(transport)
    ends.writing.write(b"waits")
    run_turns(loop, 5)
    assert protocol.data == b""
    transport.resume_reading()
    transport.resume_reading()
    run_until(loop, lambda: protocol.data == b"waits")
    transport.close()
    run_turns(loop, 2)


def test_pausing_before_it_begins(loop, ends):
    class Paused(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()

    protocol = Paused()
    transport = read_end(loop, ends.reading, protocol)
    ends.writing.write(b"waits")
    run_turns(loop, 5)
    assert protocol.data == b"" and not transport.is_reading()
    transport.resume_reading()
    run_until(loop, lambda: protocol.data == b"waits")
    transport.close()
    run_turns(loop, 2)


@pytest.mark.parametrize("kind", ["read", "write"])
def test_closing_in_connection_made(loop, ends, kind):
    class Closing(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.close()

    protocol = Closing()
    if kind == "read":
        read_end(loop, ends.reading, protocol)
    else:
        write_end(loop, ends.writing, protocol)
    run_turns(loop, 3)
    assert protocol.names == ["made", "lost"]
    assert (ends.reading if kind == "read" else ends.writing).closed


def test_another_protocol(loop, ends):
    first, second = Recorder(), Recorder()
    transport = read_end(loop, ends.reading, first)
    ends.writing.write(b"first")
    run_until(loop, lambda: first.data == b"first")
    transport.set_protocol(second)
    assert transport.get_protocol() is second
    ends.writing.write(b"second")
    run_until(loop, lambda: second.data == b"second")
    assert first.data == b"first"
    transport.close()
    run_turns(loop, 2)
    assert second.names == ["data", "lost"] and first.names == ["made", "data"]


def test_all_there_is_to_read(loop, ends):
    """More than a pipe holds, through every size of read."""
    protocol = Recorder()
    reading = read_end(loop, ends.reading, protocol)
    writer = Recorder()
    writing = write_end(loop, ends.writing, writer)
    data = os.urandom(3_000_001)
    for start in range(0, len(data), 70_001):
        writing.write(data[start : start + 70_001])
    writing.close()
    run_until(loop, lambda: "lost" in protocol.names, limit=15)
    assert protocol.data == data
    assert writer.names[0] == "made" and writer.calls[-1] == ("lost", None)
    assert reading.is_closing()


def test_max_size(loop, ends):
    protocol = Recorder()
    transport = read_end(loop, ends.reading, protocol)
    transport.max_size = 3
    ends.writing.write(b"abcdefgh")
    run_until(loop, lambda: protocol.data == b"abcdefgh")
    assert [call[1] for call in protocol.calls if call[0] == "data"] == [b"abc", b"def", b"gh"]
    transport.close()
    run_turns(loop, 2)


def test_a_protocol_that_fails_to_take_data(loop, ends, reports):
    """The error is reported, and reading goes on."""

    class Failing(Recorder):
        def data_received(self, data):
            super().data_received(data)
            if len(self.data) < 4:
                raise ZeroDivisionError

    protocol = Failing()
    transport = read_end(loop, ends.reading, protocol)
    ends.writing.write(b"one")
    run_until(loop, lambda: protocol.data == b"one")
    run_turns(loop, 1)
    (report,) = reports.take()
    assert isinstance(report["exception"], ZeroDivisionError)
    assert report["message"].startswith("Exception in callback") and "_read_ready" in report["message"]
    ends.writing.write(b"two")
    run_until(loop, lambda: protocol.data == b"onetwo")
    assert transport.is_reading()
    transport.close()
    run_turns(loop, 2)


def test_a_protocol_that_fails_at_the_end(loop, ends, reports):
    class Failing(Recorder):
        def connection_lost(self, exc):
            super().connection_lost(exc)
            raise ZeroDivisionError

    protocol = Failing()
    transport = read_end(loop, ends.reading, protocol)
    transport.close()
    run_turns(loop, 2)
    (report,) = reports.take()
    assert isinstance(report["exception"], ZeroDivisionError)
    assert ends.reading.closed and transport.get_protocol() is None


def test_a_fifo(loop, tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reading = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", 0)
    writing = os.fdopen(os.open(path, os.O_WRONLY), "wb", 0)
    receiver, sender = Recorder(), Recorder()
    read_end(loop, reading, receiver)
    transport = write_end(loop, writing, sender)
    transport.write(b"through a name")
    run_until(loop, lambda: receiver.data == b"through a name")
    transport.close()
    run_until(loop, lambda: "lost" in receiver.names)
    assert receiver.names == ["made", "data", "eof", "lost"] and sender.calls[-1] == ("lost", None)


def test_sockets(loop):
    near, far = socket.socketpair()
    receiver, sender = Recorder(), Recorder()
    reading = read_end(loop, far, receiver)
    transport = write_end(loop, near, sender)
    assert reading.get_extra_info("pipe") is far
    transport.write(b"a socket")
    run_until(loop, lambda: receiver.data == b"a socket")
    reading.close()
    run_until(loop, lambda: "lost" in sender.names)
    assert near.fileno() == far.fileno() == -1


def test_a_terminal(loop):
    main, side = pty.openpty()
    tty.setraw(side)
    protocol = Recorder()
    with os.fdopen(main, "r+b", 0) as terminal:
        transport = read_end(loop, os.fdopen(side, "rb", 0), protocol)
        terminal.write(b"keys")
        run_until(loop, lambda: protocol.data == b"keys")
        transport.close()
        run_turns(loop, 2)
    assert protocol.names == ["made", "data", "lost"]


def test_a_terminal_that_is_hung_up(loop):
    """The kernel says EIO, which is nobody's fault and not reported."""
    main, side = pty.openpty()
    protocol = Recorder()
    transport = read_end(loop, os.fdopen(main, "rb", 0), protocol)
    os.close(side)
    run_until(loop, lambda: "lost" in protocol.names)
    assert isinstance(protocol.calls[-1][1], OSError) and transport.is_closing()


def test_the_null_device(loop, reports):
    """It takes everything, but cannot be waited for."""
    protocol = Recorder()
    transport = write_end(loop, os.fdopen(os.open("/dev/null", os.O_WRONLY), "wb", 0), protocol)
    transport.write(bytes(1 << 20))
    assert transport.get_write_buffer_size() == 0
    transport.close()
    run_turns(loop, 2)
    assert protocol.calls == [("made",), ("lost", None)]
    reading = read_end(loop, os.fdopen(os.open("/dev/null", os.O_RDONLY), "rb", 0), Recorder())
    (report,) = reports.take()
    assert isinstance(report["exception"], PermissionError)
    reading.close()
    run_turns(loop, 2)


@pytest.mark.parametrize("kind", ["read", "write"])
def test_one_that_nobody_closes(loop, ends, kind):
    protocol = Recorder()
    file = ends.reading if kind == "read" else ends.writing
    transport = read_end(loop, file, protocol) if kind == "read" else write_end(loop, file, protocol)
    transport.pause_reading() if kind == "read" else loop._remove_reader(file.fileno())
    protocol.transport = None
    with pytest.warns(ResourceWarning, match=r"unclosed transport <.*PipeTransport.* idle"):
        del transport
        gc.collect()
    assert file.closed


async def test_streams(loop, ends):
    """The usual way to read a pipe: a StreamReader of one's own."""
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), ends.reading)
    read = asyncio.create_task(reader.readline())
    await asyncio.sleep(0)
    ends.writing.write(b"a line\nand more")
    assert await read == b"a line\n" and await reader.readexactly(3) == b"and"
    ends.writing.write(b"!")
    assert await reader.readuntil(b"!") == b" more!"
    ends.writing.close()
    assert await reader.read() == b"" and reader.at_eof()
    transport.close()
    await asyncio.sleep(0)


async def test_streams_pause_what_is_too_fast(loop, ends):
    reader = asyncio.StreamReader(limit=1000)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), ends.reading)
    os.set_blocking(ends.writing.fileno(), False)
    data = os.urandom(60_000)
    ends.writing.write(data)
    while transport.is_reading():
        await asyncio.sleep(0.001)
    assert await reader.readexactly(len(data)) == data
    assert transport.is_reading()
    transport.close()
    await asyncio.sleep(0)


def test_a_loop_that_is_closed_first(library):
    ends = Ends()
    loop = library.new_event_loop()
    protocol = Recorder()
    transport = read_end(loop, ends.reading, protocol)
    transport.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert protocol.names == ["made", "lost"] and "closed" in repr(transport)
    ends.close()


def test_debug_mode(loop, ends, caplog):
    loop.set_debug(True)
    loop.slow_callback_duration = 10
    protocol = Recorder()
    with caplog.at_level(logging.DEBUG, "asyncio"):
        transport = read_end(loop, ends.reading, protocol)
        transport.pause_reading()
        transport.resume_reading()
        ends.writing.close()
        run_until(loop, lambda: "lost" in protocol.names)
    text = caplog.text
    for part in ("Read pipe", "pauses reading", "resumes reading", "was closed by peer"):
        assert part in text, part
