"""A loop that is turned by hand, also in the middle of a step: what nest_asyncio and debuggers do, in a few lines."""

import asyncio
import heapq
import socket
import sys
import time

import pytest
from turns import run_ready


def exchange(loop, task):
    """Put a Task, or None, into the place of the current one; the one that was there."""
    if sys.version_info >= (3, 12):
        return asyncio.tasks._swap_current_task(loop, task)
    previous = asyncio.tasks._current_tasks.pop(loop, None)
    if task is not None:
        asyncio.tasks._current_tasks[loop] = task
    return previous


def turn(loop):
    """One turn."""
    ready, timers = loop._ready, loop._scheduled
    while timers and timers[0]._cancelled:
        heapq.heappop(timers)
    timeout = 0 if ready else max(timers[0]._when - loop.time(), 0) if timers else None
    loop._process_events(loop._selector.select(timeout))
    while timers and timers[0]._when < loop.time() + loop._clock_resolution:
        ready.append(heapq.heappop(timers))
    for _ in range(len(ready)):
        if not ready:
            break
        handle = ready.popleft()
        if not handle._cancelled:
            task = exchange(loop, None)
            try:
                handle._run()
            finally:
                exchange(loop, task)


def run_inside(loop, coroutine):
    """Run a coroutine to its end in the middle of whatever runs."""
    task = loop.create_task(coroutine)
    while not task.done():
        turn(loop)
    return task.result()


async def steps(name, seen):
    """Many steps in a row, each of which looks who is current; timers and timeouts, which ask as well."""
    own = asyncio.current_task()
    for _ in range(5):
        await asyncio.sleep(0)
        seen.append((name, asyncio.current_task() is own))
    async with asyncio.timeout(10):
        await asyncio.sleep(0.001)
    try:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(10)
    except TimeoutError:
        seen.append((name, "timeout"))
    return asyncio.current_task() is own


def test_tasks_inside_a_step(loop):
    seen = []

    async def outer():
        own = asyncio.current_task()
        before = loop.create_task(steps("other", seen))
        await asyncio.sleep(0)
        assert run_inside(loop, steps("inner", seen)) is True
        assert asyncio.current_task() is own
        loop.call_soon(lambda: seen.append(("callback", asyncio.current_task())))
        await asyncio.sleep(0)
        assert asyncio.current_task() is own
        assert run_inside(loop, asyncio.wait_for(steps("second", seen), 10)) is True
        assert await before is True
        return asyncio.current_task() is own

    assert loop.run_until_complete(asyncio.wait_for(outer(), 10)) is True
    assert ("callback", None) in seen
    for name in ("other", "inner", "second"):
        assert [entry for entry in seen if entry[0] == name] == [(name, True)] * 5 + [(name, "timeout")]


def test_connections_and_threads_inside_a_step(loop):
    async def echo(reader, writer):
        writer.write(await reader.read())
        writer.close()

    async def visit(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 300_000)
        writer.write_eof()
        data = await reader.read()
        writer.close()
        await writer.wait_closed()
        return len(data)

    async def by_sockets():
        here, there = socket.socketpair()
        with here, there:
            here.setblocking(False)
            there.setblocking(False)
            _, received = await asyncio.gather(loop.sock_sendall(here, b"one"), loop.sock_recv(there, 10))
            return received

    async def outer():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        beside = loop.create_task(visit(port))
        await asyncio.sleep(0)
        # What wakes the wait is, in turns, a descriptor, a timer and another thread.
        seen = [run_inside(loop, visit(port)), run_inside(loop, by_sockets())]
        seen.append(run_inside(loop, asyncio.to_thread(time.sleep, 0.02)))
        seen.append(await beside)
        server.close()
        await server.wait_closed()
        return seen

    assert loop.run_until_complete(asyncio.wait_for(outer(), 15)) == [300_000, b"one", None, 300_000]


def test_three_deep_and_a_task_of_c(loop):
    seen = []

    async def deeper(depth):
        own = asyncio.current_task()
        await asyncio.sleep(0.001)
        value = run_inside(loop, deeper(depth - 1)) + 1 if depth else 0
        seen.append(asyncio.current_task() is own)
        await asyncio.sleep(0)
        seen.append(asyncio.current_task() is own)
        # Before its step, a Task of asyncio's C class insists that no other one is current.
        c_task = asyncio.tasks._CTask(asyncio.sleep(0, depth), loop=loop)
        assert await c_task == depth
        return value

    assert loop.run_until_complete(deeper(3)) == 3
    assert seen == [True] * 8


def test_who_is_current_around_a_handle_that_is_run_by_hand(loop):
    async def main():
        seen = []
        handle = loop.call_soon(lambda: seen.append(asyncio.current_task()))
        handle._run()
        assert seen == [asyncio.current_task()]
        await asyncio.sleep(0)
        assert seen[1:] == [None]
        assert asyncio.current_task() is not None

    loop.run_until_complete(main())


def test_what_a_callback_run_by_hand_raises(loop):
    def leave():
        raise SystemExit(7)

    async def main():
        with pytest.raises(SystemExit):
            loop.call_soon(leave)._run()
        loop._ready.clear()
        return asyncio.current_task() is not None

    assert loop.run_until_complete(asyncio.wait_for(main(), 10)) is True


def test_a_timer_that_is_run_by_hand(loop):
    seen = []
    first = loop.call_later(0, seen.append, 1)
    cancelled = loop.call_later(100, seen.append, 2)
    last = loop.call_later(200, seen.append, 3)
    cancelled.cancel()
    timers = loop._scheduled
    assert heapq.heappop(timers) is first
    loop._ready.append(first)
    run_ready(loop)
    run_ready(loop)
    assert seen == [1]
    assert [timer for timer in loop._scheduled if not timer._cancelled] == [last]
    last.cancel()


def test_the_front_of_the_ready_queue(loop):
    seen = []
    handles = [loop.call_soon(seen.append, number) for number in range(4)]
    taken = [loop._ready.popleft() for _ in range(2)]
    loop._ready.extendleft(reversed(taken))
    assert list(loop._ready) == handles
    loop._ready.extendleft([])
    loop._ready.appendleft(asyncio.Handle(seen.append, ("first",), loop))
    run_ready(loop)
    assert seen == ["first", 0, 1, 2, 3]
