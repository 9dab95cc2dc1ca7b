"""The end of a pipe that is written to: flow control, what waits, nobody who reads."""

import asyncio
import logging
import os
import pty
import tty

import pytest
from endpoints import Recorder
from pipe_ends import Ends, drain_to, fill, write_end
from turns import run_turns, run_until


@pytest.fixture
def ends():
    ends = Ends()
    yield ends
    ends.close()


def test_the_write_end(loop, ends):
    protocol = Recorder()
    transport = write_end(loop, ends.writing, protocol)
    assert isinstance(transport, asyncio.WriteTransport)
    assert transport is protocol.transport and transport.get_protocol() is protocol
    assert transport.get_extra_info("pipe") is ends.writing
    assert transport.can_write_eof() and not transport.is_closing()
    assert transport.get_write_buffer_limits() == (16384, 65536) and transport.get_write_buffer_size() == 0
    assert f"fd={ends.writing.fileno()} idle bufsize=0>" in repr(transport)
    for data in (b"one", bytearray(b"two"), memoryview(b"three"), b"", bytearray(), memoryview(b"axbx")[:0]):
        transport.write(data)
    transport.writelines([b"four", bytearray(b"five")])
    assert os.read(ends.reading.fileno(), 100) == b"onetwothreefourfive"
    for wrong in ("text", None, [b"bytes"]):
        with pytest.raises(AssertionError):
            transport.write(wrong)
    number = ends.writing.fileno()
    transport.write_eof()
    transport.write_eof()
    transport.close()
    assert transport.is_closing() and protocol.names == ["made"] and "closing" in repr(transport)
    run_turns(loop, 2)
    assert protocol.calls == [("made",), ("lost", None)]
    assert ends.writing.closed and os.read(ends.reading.fileno(), 1) == b""
    assert repr(transport).endswith(f"closed fd={number} closed>")


def test_arguments_by_name(loop, ends):
    protocol, second = Recorder(), Recorder()
    transport = write_end(loop, ends.writing, protocol)
    transport.write(data=b"by name, ")
    transport.writelines(list_of_data=[b"and ", b"lines"])
    transport.set_protocol(protocol=second)
    for call in (transport.write, transport.writelines, transport.set_protocol):
        with pytest.raises(TypeError):
            call()
        with pytest.raises(TypeError):
            call(nonsense=b"")
    transport.close()
    run_turns(loop, 2)
    assert second.names == ["lost"]
    assert os.read(ends.reading.fileno(), 100) == b"by name, and lines"


def test_flow_control(loop, ends):
    protocol = Recorder()
    transport = write_end(loop, ends.writing, protocol)
    data = fill(loop, transport)
    assert protocol.names == ["made", "pause"]
    assert f"polling bufsize={transport.get_write_buffer_size()}" in repr(transport)
    assert drain_to(loop, ends.reading, len(data)) == data
    run_turns(loop, 2)
    assert protocol.names == ["made", "pause", "resume"] and transport.get_write_buffer_size() == 0
    assert "idle" in repr(transport)
    transport.close()
    run_turns(loop, 2)


def test_limits(loop, ends):
    transport = write_end(loop, ends.writing, Recorder())
    transport.set_write_buffer_limits(high=100)
    assert transport.get_write_buffer_limits() == (25, 100)
    transport.set_write_buffer_limits(low=10)
    assert transport.get_write_buffer_limits() == (10, 40)
    with pytest.raises(ValueError, match=r"high \(1\) must be >= low \(2\) must be >= 0"):
        transport.set_write_buffer_limits(high=1, low=2)
    transport.set_write_buffer_limits()
    assert transport.get_write_buffer_limits() == (16384, 65536)
    transport.close()
    run_turns(loop, 2)


def test_what_waits_is_written_before_the_end(loop, ends):
    protocol = Recorder()
    transport = write_end(loop, ends.writing, protocol)
    data = fill(loop, transport)
    transport.close()
    transport.write(b"ignored")
    assert "lost" not in protocol.names and transport.is_closing()
    assert drain_to(loop, ends.reading, len(data)) == data
    run_until(loop, lambda: "lost" in protocol.names)
    assert protocol.calls[-1] == ("lost", None) and ends.writing.closed
    assert os.read(ends.reading.fileno(), 1) == b""


def test_what_changes_after_the_write(loop, ends):
    transport = write_end(loop, ends.writing, Recorder())
    data = bytearray(os.urandom(500_000))
    before = bytes(data)
    transport.write(data)
    data[:] = bytes(len(data))
    assert drain_to(loop, ends.reading, len(before)) == before
    transport.close()
    run_turns(loop, 2)


def test_aborting(loop, ends):
    protocol = Recorder()
    transport = write_end(loop, ends.writing, protocol)
    fill(loop, transport)
    transport.abort()
    assert transport.is_closing() and transport.get_write_buffer_size() == 0
    run_turns(loop, 2)
    assert protocol.calls[-1] == ("lost", None) and ends.writing.closed


def test_aborting_while_it_closes(loop, ends):
    protocol = Recorder()
    transport = write_end(loop, ends.writing, protocol)
    fill(loop, transport)
    transport.close()
    run_turns(loop, 2)
    assert "lost" not in protocol.names
    transport.abort()
    run_turns(loop, 2)
    assert protocol.calls[-1] == ("lost", None)


def test_nobody_reads_any_more(loop, ends):
    protocol = Recorder()
    transport = write_end(loop, ends.writing, protocol)
    ends.reading.close()
    run_until(loop, lambda: "lost" in protocol.names)
    assert protocol.calls == [("made",), ("lost", None)] and transport.is_closing()


def test_nobody_reads_what_waits(loop, ends):
    protocol = Recorder()
    transport = write_end(loop, ends.writing, protocol)
    fill(loop, transport)
    ends.reading.close()
    run_until(loop, lambda: "lost" in protocol.names)
    assert isinstance(protocol.calls[-1][1], BrokenPipeError)
    assert transport.get_write_buffer_size() == 0


def test_a_write_that_nobody_reads(loop, ends, caplog):
    protocol = Recorder()
    transport = write_end(loop, ends.writing, protocol)
    ends.reading.close()
    with caplog.at_level(logging.WARNING, "asyncio"):
        for number in range(8):
            transport.write(b"in vain")
            assert len(caplog.records) == max(0, number - 4), number
    run_turns(loop, 2)
    assert isinstance(protocol.calls[-1][1], BrokenPipeError)
    assert {record.message for record in caplog.records} == {
        "pipe closed by peer or os.write(pipe, data) raised exception."
    }


def test_a_protocol_that_fails_to_pause(loop, ends, reports):
    class Failing(Recorder):
        def pause_writing(self):
            raise ZeroDivisionError

    transport = write_end(loop, ends.writing, Failing())
    fill(loop, transport)
    (report,) = reports.take()
    assert report["message"] == "protocol.pause_writing() failed" and report["transport"] is transport
    transport.abort()
    run_turns(loop, 2)


def test_writing_to_a_terminal(loop):
    main, side = pty.openpty()
    tty.setraw(side)
    protocol = Recorder()
    transport = write_end(loop, os.fdopen(side, "wb", 0), protocol)
    transport.write(b"shown")
    assert os.read(main, 100) == b"shown"
    transport.close()
    run_turns(loop, 2)
    os.close(main)
    assert protocol.calls == [("made",), ("lost", None)]


async def test_a_writer_above_a_pipe(loop, ends):
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, ends.writing)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    data = os.urandom(400_000)
    writer.write(data)
    draining = asyncio.create_task(writer.drain())
    os.set_blocking(ends.reading.fileno(), False)
    received = bytearray()
    while len(received) < len(data):
        await asyncio.sleep(0)
        try:
            received += os.read(ends.reading.fileno(), 100_000)
        except BlockingIOError:
            continue
    await draining
    assert received == data
    writer.close()
    await asyncio.sleep(0)
