"""Timers: ``call_later``, ``sleep`` and the timeouts built on them."""

import asyncio
import random

from cases.case import CaseGroup

GROUP = CaseGroup("timers")

BATCH = 1000
SLEEPERS = 20_000
LONGEST_SLEEP = 0.010
"""Seconds. Short, because waiting costs wall time and no CPU time."""
NEVER = 3600.0
"""Seconds; a timer this far away must not fire within a sample."""


@GROUP.case("call_later_cancel", "call_later + cancel", operations=BATCH)
async def call_later_cancel(repeats: int) -> int:
    """Cancelled at once. A turn of the loop after each batch, so that clearing up is
    paid for too.
    """
    loop = asyncio.get_running_loop()
    fired: list[bool] = []
    count = 0
    for _ in range(repeats):
        for _ in range(BATCH):
            loop.call_later(NEVER, fired.append, True).cancel()
        count += BATCH
        await asyncio.sleep(0)
    return count - len(fired)


@GROUP.case("call_later_held", "1000 x call_later, then 1000 x cancel", operations=BATCH)
async def call_later_held(repeats: int) -> int:
    """Cancelled after others were added, as timeouts that did not strike are."""
    loop = asyncio.get_running_loop()
    fired: list[bool] = []
    count = 0
    for _ in range(repeats):
        timers = [loop.call_later(NEVER, fired.append, True) for _ in range(BATCH)]
        await asyncio.sleep(0)
        for timer in timers:
            timer.cancel()
        count += len(timers)
        await asyncio.sleep(0)
    return count - len(fired)


@GROUP.case("call_later_fire", "1000 x call_later, all fire", operations=BATCH)
async def call_later_fire(repeats: int) -> int:
    """A thousand timers due at once, all of which fire."""
    loop = asyncio.get_running_loop()
    fired: list[int] = []
    for _ in range(repeats):
        for _ in range(BATCH):
            loop.call_later(0.000_001, fired.append, 1)
        last = loop.create_future()
        loop.call_later(0.000_1, last.set_result, None)
        await last
        await asyncio.sleep(0)
    return len(fired)


@GROUP.case("mixed_sleeps", "20,000 mixed sleeps", operations=SLEEPERS)
async def mixed_sleeps(repeats: int) -> int:
    """20,000 tasks at once, each with one sleep of 0 to 10 ms, in random order."""
    delays = random.Random(20_000)
    count = 0
    for _ in range(repeats):
        sleeps = [asyncio.sleep(delays.uniform(0, LONGEST_SLEEP), 1) for _ in range(SLEEPERS)]
        count += sum(await asyncio.gather(*sleeps))
    return count


@GROUP.case("timeout", "timeout()")
async def timeout(repeats: int) -> int:
    count = 0
    for _ in range(repeats):
        async with asyncio.timeout(NEVER):
            count += await asyncio.sleep(0, 1)
    return count


@GROUP.case("wait_for", "wait_for")
async def wait_for(repeats: int) -> int:
    count = 0
    for _ in range(repeats):
        count += await asyncio.wait_for(asyncio.sleep(0, 1), NEVER)
    return count
