"""A Task that has received a lot goes on at once: what it and others see of that."""

import asyncio
import socket

import pytest
from turns import run_ready, run_turns, run_until

LARGE = 30_000
NUMBER = 6


@pytest.fixture
def pairs(loop):
    """Connected sockets that do not block: those of the loop, and the far ends."""
    pairs = [socket.socketpair() for _ in range(NUMBER)]
    for pair in pairs:
        for sock in pair:
            sock.setblocking(False)
    yield pairs
    for pair in pairs:
        for sock in pair:
            sock.close()


async def by_sock(loop, sock, took):
    """Receive once by ``sock_recv``."""
    took(len(await loop.sock_recv(sock, 1 << 16)))


async def by_stream(loop, sock, took):
    """Receive once by a stream."""
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        took(len(await reader.read(1 << 16)))
    finally:
        writer.close()


WAYS = pytest.mark.parametrize("way", [by_sock, by_stream])


def begin(loop, pairs, way):
    """Tasks that wait for data; the list of what happens."""
    events = []
    tasks = []
    for index, (near, _) in enumerate(pairs):

        def took(size, index=index):
            events.append((index, size))

        tasks.append(loop.create_task(way(loop, near, took)))
    run_turns(loop, 8)
    assert not events
    return tasks, events


def finish(loop, tasks):
    run_until(loop, lambda: all(task.done() for task in tasks))
    for task in tasks:
        task.result()
    run_turns(loop, 2)


@WAYS
def test_each_gets_its_own_in_order(loop, pairs, way):
    tasks, events = begin(loop, pairs, way)
    for index, (_, far) in enumerate(pairs):
        far.send(b"x" * (LARGE + index))
    finish(loop, tasks)
    assert sorted(events) == [(index, LARGE + index) for index in range(NUMBER)]


@WAYS
def test_little_and_much_at_once(loop, pairs, way):
    tasks, events = begin(loop, pairs, way)
    sizes = [(LARGE if index % 2 else 10) for index in range(NUMBER)]
    for size, (_, far) in zip(sizes, pairs, strict=True):
        far.send(b"x" * size)
    finish(loop, tasks)
    assert sorted(events) == list(enumerate(sizes))


@WAYS
def test_a_loop_that_stops_leaves_it_for_the_next_run(loop, pairs, way):
    tasks, events = begin(loop, pairs, way)
    for _, far in pairs:
        far.send(b"x" * LARGE)
    run_ready(loop)
    assert not events
    run_ready(loop)
    assert len(events) == NUMBER
    finish(loop, tasks)


@WAYS
def test_an_exception_leaves_the_others(loop, pairs, way):
    events = []

    def took(size):
        events.append(size)
        if len(events) == 1:
            raise KeyboardInterrupt

    tasks = [loop.create_task(way(loop, near, took)) for near, _ in pairs]
    run_turns(loop, 8)
    for _, far in pairs:
        far.send(b"x" * LARGE)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    run_until(loop, lambda: all(task.done() for task in tasks))
    assert events == [LARGE] * NUMBER
    failed = [task for task in tasks if isinstance(task.exception(), KeyboardInterrupt)]
    assert len(failed) == 1
    run_turns(loop, 2)


@WAYS
def test_a_task_that_is_cancelled_meanwhile(loop, pairs, way):
    tasks, events = begin(loop, pairs, way)

    for _, far in pairs:
        far.send(b"x" * LARGE)
    loop.call_soon(tasks[0].cancel)
    run_until(loop, lambda: all(task.done() for task in tasks))
    assert tasks[0].cancelled()
    run_turns(loop, 2)
    assert sorted(events) == [(index, LARGE) for index in range(1, NUMBER)]


async def test_a_receipt_that_more_than_one_waits_for(loop, pairs):
    near, far = pairs[0]
    task = asyncio.ensure_future(asyncio.wait_for(loop.sock_recv(near, 1 << 16), 5))
    await asyncio.sleep(0.01)
    woken = []
    task.add_done_callback(woken.append)
    far.send(b"x" * LARGE)
    data, _ = await asyncio.gather(task, asyncio.sleep(0))
    assert len(data) == LARGE
    await asyncio.sleep(0)
    assert woken == [task]


async def test_one_that_answers_without_end_does_not_keep_others_waiting(loop, pairs):
    near, far = pairs[0]
    other = []

    async def answer():
        while data := await loop.sock_recv(near, 1 << 16):
            await loop.sock_sendall(near, data)

    async def ask():
        for _ in range(200):
            await loop.sock_sendall(far, b"x" * LARGE)
            left = LARGE
            while left:
                left -= len(await loop.sock_recv(far, 1 << 16))

    async def turn():
        while True:
            other.append(None)
            await asyncio.sleep(0)

    answering, turning = asyncio.ensure_future(answer()), asyncio.ensure_future(turn())
    await ask()
    assert len(other) > 200
    for task in (answering, turning):
        task.cancel()
    await asyncio.gather(answering, turning, return_exceptions=True)
