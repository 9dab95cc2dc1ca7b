"""Writes of stream transports: flow control, odd buffers, half close, writes in vain, much data."""

import asyncio
import hashlib
import logging
import socket
import sys

import pytest
from endpoints import Recorder, connect, end, receive_all
from turns import run_turns, run_until


@pytest.fixture
def ends():
    """A connected pair of sockets, not blocking; the first one is for the transport."""
    near, far = socket.socketpair()
    for sock in (near, far):
        sock.setblocking(False)
    yield near, far
    near.close()
    far.close()


def test_half_close_by_us(loop, ends):
    near, far = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    transport.write(b"x" * 1_000_000)
    transport.write_eof()
    transport.write_eof()
    with pytest.raises(RuntimeError, match=r"Cannot call write\(\) after write_eof\(\)"):
        transport.write(b"more")
    if sys.version_info >= (3, 12):
        with pytest.raises(RuntimeError, match=r"Cannot call writelines\(\) after write_eof\(\)"):
            transport.writelines([b"more"])
    assert receive_all(loop, far) == b"x" * 1_000_000
    far.send(b"still read")
    run_until(loop, lambda: bytes(protocol.data) == b"still read")
    end(loop, transport)


def test_a_protocol_that_fails_in_flow_control(loop, ends, reports):
    near, far = ends

    class Failing(Recorder):
        def pause_writing(self):
            super().pause_writing()
            raise ZeroDivisionError("pause")

        def resume_writing(self):
            super().resume_writing()
            raise ZeroDivisionError("resume")

    protocol = Failing()
    transport = connect(loop, near, protocol)
    transport.write(b"x" * 5_000_000)
    context = reports.take_one()
    assert context["message"] == "protocol.pause_writing() failed" and str(context["exception"]) == "pause"
    assert context["transport"] is transport and context["protocol"] is protocol
    transport.close()
    assert len(receive_all(loop, far)) == 5_000_000
    context = reports.take_one()
    assert context["message"] == "protocol.resume_writing() failed" and str(context["exception"]) == "resume"
    assert protocol.names == ["made", "pause", "resume", "lost"]


def test_flow_control(loop, ends):
    near, far = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    transport.set_write_buffer_limits(high=1000, low=500)
    assert transport.get_write_buffer_limits() == (500, 1000)
    transport.write(b"x" * 5_000_000)
    assert protocol.names == ["made", "pause"]
    assert transport.get_write_buffer_size() > 1000
    transport.write(b"y" * 10)
    assert protocol.names == ["made", "pause"]
    transport.close()
    received = receive_all(loop, far)
    assert received == b"x" * 5_000_000 + b"y" * 10
    assert protocol.names == ["made", "pause", "resume", "lost"]


def test_limits(loop, ends):
    transport = connect(loop, ends[0], Recorder())
    for arguments, limits in [
        ({}, (16384, 65536)),
        ({"high": 400}, (100, 400)),
        ({"low": 10}, (10, 40)),
        ({"high": 0}, (0, 0)),
        ({"high": 7, "low": 7}, (7, 7)),
    ]:
        transport.set_write_buffer_limits(**arguments)
        assert transport.get_write_buffer_limits() == limits
    with pytest.raises(ValueError, match=r"high \(1\) must be >= low \(2\) must be >= 0"):
        transport.set_write_buffer_limits(1, 2)
    with pytest.raises(ValueError, match=r"must be >= 0"):
        transport.set_write_buffer_limits(low=-1)
    with pytest.raises(TypeError):
        transport.set_write_buffer_limits("many")
    assert transport.get_write_buffer_limits() == (7, 7)
    end(loop, transport)


def test_lowering_the_limits_pauses(loop, ends):
    near, far = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    transport.set_write_buffer_limits(high=50_000_000)
    transport.write(b"x" * 5_000_000)
    assert protocol.names == ["made"]
    transport.set_write_buffer_limits(high=10)
    assert protocol.names == ["made", "pause"]
    transport.abort()
    run_turns(loop, 2)
    assert protocol.names == ["made", "pause", "lost"]
    assert far.recv(10)


@pytest.mark.parametrize(
    "data",
    [b"", bytearray(), memoryview(b""), b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(bytearray(b"abc"))],
    ids=lambda data: f"{type(data).__name__}{len(data)}",
)
def test_what_can_be_written(loop, library, ends, data):
    near, far = ends
    transport = connect(loop, near, Recorder())
    transport.write(data)
    # asyncio of 3.12.1 and 3.13.0 never gets rid of an empty chunk (gh-155888).
    transport.writelines([data, b"-", data] if data or library.is_tepal else [b"-"])
    end(loop, transport)
    assert receive_all(loop, far) == bytes(data) + bytes(data) + b"-" + bytes(data)


def test_a_subclass_of_bytes(loop, ends):
    near, far = ends

    class Own(bytes):
        pass

    transport = connect(loop, near, Recorder())
    transport.write(Own(b"x" * 3_000_000))
    transport.write(Own(b"end"))
    transport.close()
    assert receive_all(loop, far) == b"x" * 3_000_000 + b"end"


def test_arguments_by_name(loop, ends):
    near, far = ends
    transport = connect(loop, near, Recorder())
    transport.write(data=b"by name, ")
    transport.writelines(list_of_data=[b"and ", b"lines"])
    second = Recorder()
    transport.set_protocol(protocol=second)
    assert transport.get_protocol() is second
    for call in (transport.write, transport.writelines, transport.set_protocol):
        for wrong in (call, lambda call=call: call(b"", b""), lambda call=call: call(nonsense=b"")):
            with pytest.raises(TypeError):
                wrong()
    with pytest.raises(TypeError):
        transport.write(b"", data=b"")
    end(loop, transport)
    assert receive_all(loop, far) == b"by name, and lines"
    assert second.names == ["lost"]


@pytest.mark.parametrize("data", ["text", 5, None, [b"a"]], ids=repr)
def test_what_cannot_be_written(loop, ends, data):
    transport = connect(loop, ends[0], Recorder())
    with pytest.raises(TypeError, match="data argument must be a bytes.*not"):
        transport.write(data)
    end(loop, transport)
    with pytest.raises(TypeError, match="data argument must be a bytes.*not"):
        transport.write(data)


def test_writelines_of_something_else(loop, ends):
    near, far = ends
    transport = connect(loop, near, Recorder())
    with pytest.raises(TypeError):
        transport.writelines(["text"])
    with pytest.raises(TypeError):
        transport.writelines(5)
    transport.writelines(part for part in (b"a", b"b"))
    transport.writelines([])
    end(loop, transport)
    assert receive_all(loop, far).endswith(b"ab")


def test_a_view_of_larger_items(loop, ends):
    """What fits into the kernel's buffer; asyncio cuts the rest by items instead of bytes."""
    near, far = ends
    transport = connect(loop, near, Recorder())
    view = memoryview(bytes(range(64))).cast("I")
    transport.write(view)
    end(loop, transport)
    assert receive_all(loop, far) == bytes(range(64))


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
def test_the_rest_of_a_view_of_larger_items_is_not_lost(loop, ends):
    near, far = ends
    transport = connect(loop, near, Recorder())
    content = bytes(range(256)) * 16384
    transport.write(memoryview(content).cast("Q"))
    assert transport.get_write_buffer_size() > 0
    transport.close()
    assert receive_all(loop, far) == content


def test_a_view_with_gaps_ends_the_connection(loop, ends, reports):
    near, _ = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    transport.write(memoryview(b"abcdef")[::2])
    run_turns(loop, 2)
    context = reports.take_one()
    assert context["message"] == "Fatal write error on socket transport"
    assert isinstance(context["exception"], BufferError)
    assert protocol.calls[-1] == ("lost", context["exception"])
    assert transport.is_closing()


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
def test_a_buffer_may_be_changed_after_the_write(loop, ends):
    """asyncio keeps a view from 3.12 on, so that the peer sees the change; here it is copied, as on 3.11."""
    near, far = ends
    transport = connect(loop, near, Recorder())
    buffer = bytearray(b"a" * 3_000_000)
    transport.write(buffer)
    buffer[:] = b"b"
    transport.close()
    assert receive_all(loop, far) == b"a" * 3_000_000


def test_close_sends_what_waits(loop, ends):
    near, far = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    transport.writelines([b"a" * 2_000_000, bytearray(b"b" * 2_000_000), memoryview(b"c" * 2_000_000)])
    transport.close()
    assert transport.is_closing() and transport.get_write_buffer_size() > 0
    transport.write(b"after close")
    transport.close()
    assert receive_all(loop, far) == b"a" * 2_000_000 + b"b" * 2_000_000 + b"c" * 2_000_000 + b"after close"
    run_until(loop, lambda: "lost" in protocol.names)
    assert protocol.calls[-1] == ("lost", None)


def test_abort_with_full_buffers(loop, ends):
    near, far = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    transport.write(b"x" * 10_000_000)
    transport.abort()
    assert transport.get_write_buffer_size() == 0 and transport.is_closing()
    assert "lost" not in protocol.names
    transport.abort()
    run_turns(loop, 2)
    assert protocol.names == ["made", "pause", "lost"] and protocol.calls[-1] == ("lost", None)
    assert len(receive_all(loop, far)) < 10_000_000


def test_writes_from_connection_lost_and_later(loop, ends, caplog):
    near, _ = ends

    class Stubborn(Recorder):
        def connection_lost(self, exc):
            super().connection_lost(exc)
            self.transport.write(b"in vain")
            self.transport.close()
            self.transport.abort()

    protocol = Stubborn()
    transport = connect(loop, near, protocol)
    transport.abort()
    with caplog.at_level(logging.WARNING, "asyncio"):
        run_turns(loop, 2)
        for _ in range(6):
            transport.write(b"in vain")
    assert protocol.names == ["made", "lost"]
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == ["socket.send() raised exception."] * 3


def test_a_broken_pipe_reaches_the_protocol(loop, ends):
    near, far = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    transport.pause_reading()
    far.close()
    transport.write(b"data")
    assert transport.is_closing()
    run_turns(loop, 2)
    assert type(protocol.calls[-1][1]) is BrokenPipeError


def test_a_socket_closed_behind_our_back(loop, ends):
    """The number of the descriptor may belong to another file by then, which must not be written to."""
    near, _ = ends
    protocol = Recorder()
    transport = connect(loop, near, protocol)
    transport.pause_reading()
    near.close()
    other, beside = socket.socketpair()
    transport.write(b"secret")
    run_turns(loop, 2)
    beside.setblocking(False)
    with pytest.raises(BlockingIOError):
        beside.recv(10)
    assert isinstance(protocol.calls[-1][1], OSError)
    other.close()
    beside.close()


@pytest.mark.timeout(60)
async def test_much_data_through_slow_readers(loop):
    """25 MB each way through four connections whose readers pause all the time."""
    size = 25_000_000
    block = bytes(range(256)) * 1000
    content = (block * (size // len(block) + 1))[:size]
    digest = hashlib.sha256(content).digest()
    done = []

    class Slow(asyncio.Protocol):
        def __init__(self):
            self.hash = hashlib.sha256()
            self.left = size
            self.paused = False

        def connection_made(self, transport):
            self.transport = transport
            self.position = 0
            self.send()

        def send(self):
            while not self.paused and self.position < size:
                step = 1 + (self.position * 7919) % 300_000
                self.transport.write(content[self.position : self.position + step])
                self.position = min(size, self.position + step)

        def pause_writing(self):
            self.paused = True

        def resume_writing(self):
            self.paused = False
            self.send()

        def data_received(self, data):
            self.hash.update(data)
            self.left -= len(data)
            if self.left == 0:
                done.append(self.hash.digest())
            elif self.left % 5 == 0:
                self.transport.pause_reading()
                loop.call_soon(self.transport.resume_reading)

    server = await loop.create_server(Slow, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    clients = [await loop.create_connection(Slow, *address) for _ in range(2)]
    while len(done) < 4:
        await asyncio.sleep(0.005)
    assert done == [digest] * 4
    for transport, _ in clients:
        transport.close()
    server.close()
    await asyncio.sleep(0.02)


def test_lines_one_of_which_cannot_be_sent(loop, library, ends):
    """Nothing of them is sent, and what is written afterwards is; asyncio of 3.15 then sends nothing any more."""
    near, far = ends
    transport = connect(loop, near, Recorder())
    if library.is_tepal or sys.version_info < (3, 15):
        with pytest.raises(TypeError):
            transport.writelines([b"one", 5, b"two"])
        assert transport.get_write_buffer_size() == 0
    transport.write(b"three")
    transport.close()
    run_turns(loop, 3)
    assert receive_all(loop, far) == b"three"
    end(loop, transport)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="from 3.14 on asyncio leaves out what is false")
def test_empty_lines_of_any_kind(loop, ends):
    near, far = ends
    transport = connect(loop, near, Recorder())
    transport.writelines([None, b"", "", 0, [], bytearray()])
    transport.writelines([b"one", None, bytearray(b"two"), "", memoryview(b"three")])
    transport.close()
    run_turns(loop, 3)
    assert receive_all(loop, far) == b"onetwothree"
    end(loop, transport)
