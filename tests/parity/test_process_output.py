"""What child processes print, on its way to the reader of a stream: complete, in order, whoever stands on the way."""

import asyncio
import sys

import pytest

PIPE = asyncio.subprocess.PIPE
PIECES = """
import os, sys, time
rng = __import__("random").Random(int(sys.argv[1]))
block = rng.randbytes(1 << 20)
total = int(sys.argv[2])
done = 0
while done < total:
    count = min(rng.choice((1, 10, 1000, 65536, 200_000)), total - done)
    at = done % len(block)
    count = os.write(1, block[at : at + count])
    done += count
    if rng.random() < 0.05:
        time.sleep(0.001)
"""


def printed(seed, total):
    """What the program above prints."""
    block = __import__("random").Random(seed).randbytes(1 << 20)
    return (block * (total // len(block) + 1))[:total]


async def start(*arguments, **options):
    options = {"stdin": PIPE, "stdout": PIPE} | options
    return await asyncio.create_subprocess_exec(*arguments, **options)


async def finish(process):
    process.stdin.close()
    assert await process.wait() == 0
    return process


@pytest.mark.parametrize("total", [1, 100_000, 5_000_000])
@pytest.mark.parametrize("reading", ["communicate", "read", "pieces", "exactly"])
async def test_everything_arrives_in_order(loop, total, reading):
    process = await start(sys.executable, "-c", PIECES, str(total), str(total))
    expected = printed(total, total)
    if reading == "communicate":
        output, _ = await process.communicate()
    elif reading == "read":
        output = await process.stdout.read()
    elif reading == "exactly":
        output = await process.stdout.readexactly(total)
    else:
        output = bytearray()
        while piece := await process.stdout.read(30_000):
            output += piece
    assert output == expected
    assert await process.stdout.read() == b"" and process.stdout.at_eof()
    await finish(process)


async def test_both_outputs(loop):
    program = "import os\nfor n in range(300): os.write(1, b'o' * n); os.write(2, b'e' * n)"
    process = await start(sys.executable, "-c", program, stderr=PIPE)
    output, errors = await process.communicate()
    assert len(output) == len(errors) == 300 * 299 // 2 and set(output) == {ord("o")} and set(errors) == {ord("e")}


async def test_lines_as_they_come(loop):
    process = await start("cat")
    for number in range(50):
        line = b"%d\n" % number
        process.stdin.write(line)
        assert await asyncio.wait_for(process.stdout.readline(), 10) == line
    process.stdin.write(b"no newline")
    process.stdin.close()
    assert await process.stdout.readline() == b"no newline" and await process.stdout.readline() == b""
    await finish(process)


async def test_a_read_that_waits_already(loop):
    """It began before anything was printed, so before the reader could become ours."""
    process = await start("cat")
    reading = asyncio.create_task(process.stdout.readexactly(6))
    await asyncio.sleep(0.01)
    process.stdin.write(b"one")
    await asyncio.sleep(0.01)
    process.stdin.write(b"two")
    assert await reading == b"onetwo"
    again = asyncio.create_task(process.stdout.read(100))
    await asyncio.sleep(0.01)
    again.cancel()
    with pytest.raises(asyncio.CancelledError):
        await again
    process.stdin.write(b"three")
    assert await process.stdout.read(100) == b"three"
    await finish(process)


async def test_a_process_that_prints_too_fast_is_paused(loop):
    process = await start(sys.executable, "-c", PIECES, "5", "3000000", limit=1000)
    transport = process._transport.get_pipe_transport(1)
    while transport.is_reading():
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    assert len(process.stdout._buffer) < 1_000_000
    assert await process.stdout.read() == printed(5, 3_000_000)
    await finish(process)


async def test_a_process_that_has_ended_before_anybody_reads(loop):
    process = await start("sh", "-c", "echo first; sleep 0.05; echo second")
    await process.wait()
    assert await process.stdout.read() == b"first\nsecond\n"
    await finish(process)


class Told(asyncio.SubprocessProtocol):
    """A protocol of one's own."""

    def __init__(self):
        self.calls = []
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.calls.append("made")

    def pipe_data_received(self, fd, data):
        assert type(data) is bytes
        self.calls.append((fd, data))

    def pipe_connection_lost(self, fd, exc):
        self.calls.append(("lost", fd, exc))

    def process_exited(self):
        self.calls.append("exited")

    def connection_lost(self, exc):
        self.over.set_result(exc)


async def test_a_protocol_of_ones_own(loop):
    transport, protocol = await loop.subprocess_exec(Told, "sh", "-c", "echo out; sleep 0.02; echo err >&2", stdin=None)
    assert await protocol.over is None
    transport.close()
    assert protocol.calls[0] == "made" and transport.get_returncode() == 0
    assert [call for call in protocol.calls if call != "exited" and call[0] in (1, 2)] == [(1, b"out\n"), (2, b"err\n")]
    assert ("lost", 1, None) in protocol.calls and ("lost", 2, None) in protocol.calls


async def test_a_replaced_method_is_called(loop):
    """On one protocol, before and after its reader has become ours."""
    process = await start("cat")
    protocol = process._transport.get_protocol()
    original, seen = protocol.pipe_data_received, []

    def spy(fd, data):
        seen.append((fd, data))
        original(fd, data)

    protocol.pipe_data_received = spy
    process.stdin.write(b"one")
    assert await process.stdout.read(100) == b"one"
    assert seen == [(1, b"one")]
    await finish(process)


async def test_a_method_that_is_replaced_later(loop, monkeypatch):
    process = await start("cat")
    for data in (b"one", b"two", b"three"):
        process.stdin.write(data)
        assert await process.stdout.read(100) == data
    kind, seen = asyncio.subprocess.SubprocessStreamProtocol, []
    original = kind.pipe_data_received

    def spy(self, fd, data):
        seen.append((fd, data))
        original(self, fd, data)

    monkeypatch.setattr(kind, "pipe_data_received", spy)
    for data in (b"four", b"five"):
        process.stdin.write(data)
        assert await process.stdout.read(100) == data
    assert seen == [(1, b"four"), (1, b"five")]
    await finish(process)


async def test_a_reader_of_ones_own(loop):
    """Somebody puts another reader in place before anything has come."""

    class Counting(asyncio.StreamReader):
        fed = 0

        def feed_data(self, data):
            self.fed += len(data)
            super().feed_data(data)

    process = await start("cat")
    protocol = process._transport.get_protocol()
    process.stdout = protocol.stdout = Counting(loop=loop)
    protocol.stdout.set_transport(process._transport.get_pipe_transport(1))
    process.stdin.write(b"counted")
    assert await process.stdout.read(100) == b"counted" and process.stdout.fed == 7
    await finish(process)


async def test_what_is_fed_by_hand(loop):
    process = await start("cat")
    for data in (b"one", b"two"):
        process.stdin.write(data)
        assert await process.stdout.read(100) == data
    process.stdout.feed_data(b"by hand")
    assert await process.stdout.read(100) == b"by hand"
    await finish(process)


async def test_the_way_is_short(loop, library):
    """From the second packet on nothing of asyncio's is called between the pipe and the reader."""
    process = await start("cat")
    for data in (b"one", b"two"):
        process.stdin.write(data)
        assert await process.stdout.read(100) == data
    callers = []

    def watch(frame, event, argument):
        if event == "call":
            callers.append(frame.f_code.co_name)

    process.stdin.write(b"three")
    sys.setprofile(watch)
    try:
        data = await process.stdout.read(100)
    finally:
        sys.setprofile(None)
    assert data == b"three"
    assert ("pipe_data_received" in callers) is (not library.is_tepal)
    await finish(process)


@pytest.mark.parametrize("chunk", [1000, 100_000])
async def test_ping_pong(loop, chunk):
    process = await start("cat")
    for number in range(100):
        data = bytes([number]) * chunk
        process.stdin.write(data)
        await process.stdin.drain()
        assert await process.stdout.readexactly(chunk) == data
    await finish(process)
