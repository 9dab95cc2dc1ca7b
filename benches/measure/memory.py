"""Memory per pending Task and per pending timer: RSS growth of a fresh process.

Started as ``python -m measure.memory LOOP KIND`` it prints one JSON line. The list
that keeps the objects alive exists before the first reading, so only the objects
and what the loop keeps for them are counted.
"""

import asyncio
import gc
import json
import os
import statistics
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from measure import loops
from measure.process import Failure, JsonProcess

OBJECTS = 200_000
FAR_AWAY = 36_000.0
"""Seconds; these timers are not meant to fire."""
LIMIT = 120.0
"""Seconds for one process."""


def resident_bytes() -> int:
    """Resident set size of this process, after a full collection."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def assert_pending(tasks: list[Any]) -> None:
    """Raise AssertionError if one of ``tasks`` is done: it would not hold what it should."""
    assert not any(task.done() for task in tasks)


async def pending_tasks() -> int:
    """Tasks that wait, each for a Future of its own, as behind a socket or a lock."""
    loop = asyncio.get_running_loop()

    async def wait() -> None:
        await loop.create_future()

    tasks: list[object] = [None] * OBJECTS
    before = resident_bytes()
    for index in range(OBJECTS):
        tasks[index] = asyncio.create_task(wait())
    await asyncio.sleep(0)
    grown = resident_bytes() - before
    assert_pending(tasks)
    return grown


async def sleeping_tasks() -> int:
    """Tasks in ``sleep()``: a Task, a Future and a timer each."""
    tasks: list[object] = [None] * OBJECTS
    before = resident_bytes()
    for index in range(OBJECTS):
        tasks[index] = asyncio.create_task(asyncio.sleep(FAR_AWAY + index))
    await asyncio.sleep(0)
    grown = resident_bytes() - before
    assert_pending(tasks)
    return grown


async def pending_timers() -> int:
    """Timers of ``call_later`` whose handles are kept."""
    loop = asyncio.get_running_loop()
    timers: list[object] = [None] * OBJECTS
    before = resident_bytes()
    for index in range(OBJECTS):
        timers[index] = loop.call_later(FAR_AWAY + index, print)
    await asyncio.sleep(0)
    return resident_bytes() - before


async def cancelled_timers() -> int:
    """What is left of timers that were cancelled and dropped: ideally nothing."""
    loop = asyncio.get_running_loop()
    before = resident_bytes()
    for index in range(OBJECTS):
        loop.call_later(FAR_AWAY + index, print).cancel()
        if index % 1000 == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    return resident_bytes() - before


KINDS: dict[str, tuple[str, Callable[[], Coroutine[Any, Any, int]]]] = {
    "pending_task": ("pending Task (with its Future and coroutine)", pending_tasks),
    "sleeping_task": ("Task in sleep()", sleeping_tasks),
    "pending_timer": ("pending timer (call_later)", pending_timers),
    "cancelled_timer": ("cancelled timer, left behind", cancelled_timers),
}


def measure_memory(names: list[str], repetitions: int) -> dict[str, dict[str, float | str]]:
    """Bytes per object: kind to loop to the median of fresh processes, or to a reason."""
    found: dict[str, dict[str, float | str]] = {}
    for kind in KINDS:
        for name in names:
            answers = [ask(name, kind) for _ in range(repetitions)]
            failed = [answer.reason for answer in answers if isinstance(answer, Failure)]
            figures = [answer for answer in answers if not isinstance(answer, Failure)]
            found.setdefault(kind, {})[name] = failed[0] if failed else statistics.median(figures)
    return found


def ask(name: str, kind: str) -> float | Failure:
    """Bytes per object of ``kind`` on loop ``name``, from one fresh process."""
    process = JsonProcess("measure.memory", name, kind)
    answer = process.answer(LIMIT)
    if isinstance(answer, Failure):
        return answer
    process.close()
    return float(answer["bytes"])


def main(name: str, kind: str) -> None:
    """Measure in this process and end it at once, without clearing up 200,000 objects."""
    runner = asyncio.Runner(loop_factory=loops.load(name).new_event_loop)
    grown = runner.run(KINDS[kind][1]())
    os.write(1, json.dumps({"bytes": grown / OBJECTS}).encode() + b"\n")
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
