"""Plain callbacks: ``call_soon`` from the thread of the loop."""

import asyncio
import itertools

from cases.case import CaseGroup

GROUP = CaseGroup("callbacks")

WIDTH = 10_000


@GROUP.case("call_soon_chain", "call_soon chain")
async def call_soon_chain(repeats: int) -> int:
    """Each callback schedules the next one: one callback in each turn of the loop."""
    loop = asyncio.get_running_loop()
    finished = loop.create_future()
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count < repeats:
            loop.call_soon(step)
        else:
            finished.set_result(None)

    loop.call_soon(step)
    await finished
    return count


@GROUP.case("call_soon_wide", "call_soon wide", operations=WIDTH)
async def call_soon_wide(repeats: int) -> int:
    """Ten thousand callbacks scheduled at once, then run in one turn of the loop.

    The callback is ``count().__next__``, which counts without a Python frame, so
    that scheduling and running are what is measured.
    """
    loop = asyncio.get_running_loop()
    counter = itertools.count()
    callback = counter.__next__
    for _ in range(repeats):
        for _ in range(WIDTH):
            loop.call_soon(callback)
        await asyncio.sleep(0)
    return next(counter)


@GROUP.case("call_soon_arguments", "call_soon wide, 2 arguments", operations=WIDTH)
async def call_soon_arguments(repeats: int) -> int:
    """The same with a Python function as callback."""
    loop = asyncio.get_running_loop()
    count = 0

    def add(first: int, second: int) -> None:
        nonlocal count
        count += first + second

    for _ in range(repeats):
        for _ in range(WIDTH):
            loop.call_soon(add, 1, 0)
        await asyncio.sleep(0)
    return count
