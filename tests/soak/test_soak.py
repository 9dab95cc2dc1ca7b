"""The soak for a second on each library, and that it notices what it is there to notice."""

import asyncio
import socket

import ends
import pytest
import soak
from content import LENGTH, Altered, Stream
from waves import Soak, Stillness


@pytest.fixture(autouse=True)
def no_faults_of_others():
    ends.FAULTS.clear()
    yield
    ends.FAULTS.clear()


async def run_waves(count, seed, spoil=None):
    this = Soak(seed, at_once=30)
    await this.open()
    try:
        if spoil is not None:
            spoil(this)
        for _ in range(2):
            await this.wave(count)
    finally:
        await this.close()
    return this


@pytest.mark.timeout(60)
def test_a_short_soak(loop, library, reports):
    this = loop.run_until_complete(run_waves(60, seed=1))
    assert ends.FAULTS == []
    if library.name == "asyncio":
        # Its streams report an error that nobody asked for, if the collector ends their Future before their protocol.
        reports.contexts = [each for each in reports.contexts if not isinstance(each.get("exception"), ConnectionError)]
    assert this.started == 120 and this.bytes > 1_000_000


class TestContent:
    def test_a_stream_is_what_it_is_in_any_pieces(self):
        sent, received = Stream(LENGTH - 100, 3 * LENGTH), Stream(LENGTH - 100, 3 * LENGTH)
        while sent.left:
            data = sent.next(70_001) + sent.next(1)
            received.check(data[:5])
            received.check(data[5:])
        assert received.left == 0 and received.checksum == sent.checksum

    @pytest.mark.parametrize("spoil", [
        lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:],
        lambda data: data[:500] + data[501:],
        lambda data: data[:500] + data[499:],
        lambda data: data[100:] + data[:100],
        lambda data: data + b"x",
    ])  # fmt: skip
    def test_any_other_bytes_are_noticed(self, spoil):
        data = Stream(7, 1000).next(1000)
        Stream(7, 1000).check(data)
        with pytest.raises(Altered):
            received = Stream(7, 1000)
            received.check(spoil(data))
            received.check(b"x" * received.left or b"x")


def test_a_lost_byte_is_a_fault(loop, monkeypatch):
    """A client that leaves out the last byte of a piece, now and then."""
    send = ends.StreamsEnd.send

    async def forgetful(self, pieces):
        await send(self, [pieces[0][:-1] if len(pieces[0]) > 4000 else pieces[0], *pieces[1:]])

    monkeypatch.setattr(ends.StreamsEnd, "send", forgetful)
    monkeypatch.setattr("waves.PROGRESS_LIMIT", 1.5)
    loop.run_until_complete(run_waves(60, seed=1))
    assert any("other bytes than were sent" in fault for fault in ends.FAULTS)


def test_a_descriptor_that_is_left_is_a_fault(loop, monkeypatch):
    monkeypatch.setattr("waves.STILL_LIMIT", 0.1)
    left = []
    loop.run_until_complete(run_waves(5, seed=1, spoil=lambda this: left.append(socket.socket())))
    left.pop().close()
    assert any("a descriptor is left" in fault for fault in ends.FAULTS)


def test_a_task_that_is_left_is_a_fault(loop, monkeypatch):
    monkeypatch.setattr("waves.STILL_LIMIT", 0.1)
    left = []

    def spoil(this):
        left.append(asyncio.get_running_loop().create_task(asyncio.sleep(60)))

    loop.run_until_complete(run_waves(5, seed=1, spoil=spoil))
    assert any("a Task is left" in fault for fault in ends.FAULTS)


def test_events_out_of_order_are_faults(loop):
    end = ends.ProtocolEnd(loop)
    end.data_received(b"early")
    end.resume_writing()
    end.lost.cancel()
    assert ends.FAULTS == ["data_received in state new", "resume_writing without pause_writing"]


def test_growth_is_a_leak():
    flat = [Stillness(90_000, 8 << 20, 70 << 20) for _ in range(20)]
    assert soak.leaked(flat) == []
    grown = [Stillness(90_000 + 300 * number, (8 << 20) + (number << 17), 70 << 20) for number in range(20)]
    assert len(soak.leaked(grown)) == 2


@pytest.mark.parametrize(("each_wave", "leaks"), [(soak.BLOCKS_PER_WAVE - 2, 0), (soak.BLOCKS_PER_WAVE + 10, 1)])
def test_a_slow_growth_that_is_the_interpreters_is_none(each_wave, leaks):
    counts = [Stillness(90_000 + each_wave * number, 8 << 20, 70 << 20) for number in range(500)]
    assert len(soak.leaked(counts)) == leaks
