"""Futures, and what asyncio builds from them: queues, events, locks."""

import asyncio

from cases.case import CaseGroup

GROUP = CaseGroup("synchronization")

LOCK_CONTENDERS = 10


@GROUP.case("future_wakeup", "future wakeup")
async def future_wakeup(repeats: int) -> int:
    loop = asyncio.get_running_loop()
    count = 0
    for _ in range(repeats):
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        count += await future
    return count


@GROUP.case("queue_ping_pong", "Queue ping-pong", operations=2)
async def queue_ping_pong(repeats: int) -> int:
    """Two tasks, two queues; an operation is one item handed over."""
    pings: asyncio.Queue[int] = asyncio.Queue(1)
    pongs: asyncio.Queue[int] = asyncio.Queue(1)

    async def echo() -> None:
        for _ in range(repeats):
            await pongs.put(await pings.get() + 1)

    echoing = asyncio.create_task(echo())
    count = 0
    for _ in range(repeats):
        await pings.put(1)
        count += await pongs.get()
    await echoing
    return count


@GROUP.case("event_ping_pong", "Event ping-pong", operations=2)
async def event_ping_pong(repeats: int) -> int:
    """Two tasks wake each other by two events; an operation is one wakeup."""
    ping, pong = asyncio.Event(), asyncio.Event()

    async def echo() -> int:
        for _ in range(repeats):
            await ping.wait()
            ping.clear()
            pong.set()
        return repeats

    echoing = asyncio.create_task(echo())
    count = 0
    for _ in range(repeats):
        ping.set()
        await pong.wait()
        pong.clear()
        count += 1
    return count + await echoing


@GROUP.case("lock_contended", "Lock", operations=LOCK_CONTENDERS)
async def lock_contended(repeats: int) -> int:
    """Ten tasks take turns; an operation is one acquire, one yield, one release."""
    lock = asyncio.Lock()
    inside = 0

    async def contend() -> int:
        nonlocal inside
        for _ in range(repeats):
            async with lock:
                inside += 1
                assert inside == 1, "two tasks hold one lock"
                await asyncio.sleep(0)
                inside -= 1
        return repeats

    tasks = [asyncio.create_task(contend()) for _ in range(LOCK_CONTENDERS)]
    count = 0
    for task in tasks:
        count += await task
    return count
