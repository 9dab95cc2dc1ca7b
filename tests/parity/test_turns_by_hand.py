"""Loops that somebody else turns, or whose clock and selector are replaced, as nest_asyncio and looptime do."""

import asyncio
import heapq
import selectors
import socket
import time
from unittest import mock

import pytest
from endpoints import Recorder, connect, end
from turns import run_ready


def turn_by_hand(loop):
    """A turn made of the loop's private names: polls, moves due timers out of the heap, runs what is ready."""
    scheduled, ready = loop._scheduled, loop._ready
    while scheduled and scheduled[0]._cancelled:
        heapq.heappop(scheduled)
    timeout = None
    if ready or loop._stopping:
        timeout = 0
    elif scheduled:
        timeout = max(scheduled[0]._when - loop.time(), 0)
    loop._process_events(loop._selector.select(timeout))
    end = loop.time() + loop._clock_resolution
    while scheduled and scheduled[0]._when < end:
        ready.append(heapq.heappop(scheduled))
    for _ in range(len(ready)):
        handle = ready.popleft()
        if not handle._cancelled:
            handle._run()


async def echo_once(text):
    """A server, a client, a thread and a timer."""

    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(text)
    answer = await reader.read()
    writer.close()
    server.close()
    await asyncio.sleep(0.002)
    return answer, await asyncio.to_thread(len, text)


def test_turns_made_of_private_names(library):
    class Loop(library.EventLoop):
        def _run_once(self):
            turn_by_hand(self)

    loop = Loop()
    seen = []
    cancelled = [loop.call_later(0.001, seen.append, "cancelled") for _ in range(3)]
    loop.call_later(0.002, seen.append, "second")
    loop.call_later(0.001, seen.append, "first")
    for timer in cancelled:
        timer.cancel()
    forgotten = loop.call_later(3600, seen.append, "never")
    try:
        assert loop.run_until_complete(asyncio.wait_for(echo_once(b"line\n"), 5)) == (b"line\n", 5)
        loop.run_until_complete(loop.shutdown_default_executor())
        assert seen == ["first", "second"]
        assert list(loop._scheduled) == [forgotten]
        forgotten.cancel()
    finally:
        loop.close()


def test_what_is_taken_out_of_the_heap_does_not_run(loop):
    seen = []
    early, late = loop.call_later(0.001, seen.append, "early"), loop.call_later(0.002, seen.append, "late")
    heap = loop._scheduled
    assert heapq.heappop(heap) is early
    assert list(heap) == [late] and len(heap) == 1
    time.sleep(0.004)
    run_ready(loop)
    assert seen == ["late"] and not heap
    heapq.heappush(loop._scheduled, early)
    run_ready(loop)
    assert seen == ["late", "early"]
    loop.call_later(10, int)
    loop._scheduled.clear()
    assert not loop._scheduled


def test_selecting_by_hand(loop):
    near, far = socket.socketpair()
    with near, far:
        loop.add_reader(near, int)
        assert loop._selector.select(0) == []
        far.send(b"x")
        [(key, events)] = loop._selector.select(None)
        assert (key.fd, key.events, events) == (near.fileno(), selectors.EVENT_READ, selectors.EVENT_READ)
        assert key.data[0]._callback is int and key.data[1] is None
        loop.remove_reader(near)
        begun = time.monotonic()
        assert loop._selector.select(0.01) == []
        assert 0.009 < time.monotonic() - begun < 5


@pytest.mark.parametrize("when", ["before", "while it runs"])
def test_a_clock_that_select_turns_forward(loop, when):
    """The clock of a test: nobody sleeps, and timers are due at once, in their order."""
    now = [1000.0]
    select = loop._selector.select

    def jump(timeout):
        ready = select(0)
        if not ready and timeout is not None:
            now[0] += timeout
        return ready

    async def main():
        if when == "while it runs":
            loop.time, loop._selector.select = (lambda: now[0]), jump
            await asyncio.sleep(0)
        begun, seen = loop.time(), []
        for delay in (3000, 1000, 2000):
            loop.call_later(delay, lambda delay=delay: seen.append((delay, loop.time() - begun)))
        await asyncio.sleep(5000)
        near, far = socket.socketpair()
        near.setblocking(False)
        with near, far:
            receiving = asyncio.ensure_future(loop.sock_recv(near, 10))
            await asyncio.sleep(1)
            far.send(b"data")
            assert await receiving == b"data"
        return seen

    if when == "before":
        loop.time, loop._selector.select = (lambda: now[0]), jump
    begun = time.monotonic()
    assert loop.run_until_complete(main()) == [(1000, 1000), (2000, 2000), (3000, 3000)]
    assert time.monotonic() - begun < 10
    assert now[0] == pytest.approx(6001)
    del loop.time
    del loop._selector.select


def test_a_select_that_is_watched(loop):
    """Who measures how long a loop sleeps, passes on what the real one gives."""
    with mock.patch.object(loop._selector, "select", wraps=loop._selector.select) as watched:
        assert loop.run_until_complete(echo_once(b"watched\n")) == (b"watched\n", 8)
    assert watched.call_count > 2
    count = watched.call_count
    assert loop.run_until_complete(echo_once(b"again\n")) == (b"again\n", 6)
    assert watched.call_count == count


def test_overridden_process_events(library):
    class Loop(library.EventLoop):
        def _process_events(self, event_list):
            looks.append([key.fd for key, _ in event_list])
            super()._process_events(event_list)

    looks, loop = [], Loop()
    near, far = socket.socketpair()
    near.setblocking(False)
    far.send(b"x")
    try:
        assert loop.run_until_complete(loop.sock_recv(near, 1)) == b"x"
        receiving = loop.create_task(loop.sock_recv(near, 1))
        loop.call_later(0.001, far.send, b"y")
        assert loop.run_until_complete(receiving) == b"y"
        assert [near.fileno()] in looks
    finally:
        loop.close()
        near.close()
        far.close()


@pytest.mark.parametrize("nested", [False, True], ids=["alone", "within a turn"])
def test_writes_of_a_turn_by_hand_leave(library, nested):
    """Nobody waits for the end of a turn that the loop does not make itself."""
    if nested and not library.is_tepal:
        pytest.skip("asyncio's own turn then counts callbacks that are gone")

    class Loop(library.EventLoop):
        by_hand = not nested

        def _run_once(self):
            turn_by_hand(self) if self.by_hand else super()._run_once()

    loop = Loop()
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    transport = connect(loop, near, Recorder())

    def write_twice():
        transport.write(b"a")
        transport.write(b"b")

    def write_once():
        transport.write(b"c")
        if nested:
            loop.call_soon(int)
            turn_by_hand(loop)
            received.append(far.recv(10))

    received = []
    try:
        for _ in range(50):  # a habit
            loop.call_soon(write_twice)
            run_ready(loop)
            assert far.recv(10) == b"ab"
        loop.call_soon(write_once)
        loop.call_soon(int)  # more is ready: writes of busy connections would wait for it
        run_ready(loop)
        if not nested:
            received.append(far.recv(10))
        assert received == [b"c"]
        end(loop, transport)
    finally:
        loop.close()
        far.close()
