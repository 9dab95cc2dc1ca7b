"""One sample: a case run once on a loop, with its CPU and wall time."""

import asyncio
import gc
import time
from dataclasses import dataclass

from cases.case import Case

from measure.loops import LoadedLoop

LONGEST_WALL = 2.0
"""Seconds of wall time that calibration allows for one sample: cases that wait
use little CPU time, and their repeats must not grow without end."""


class Miscount(Exception):
    """The case did not see as many operations happen as it was asked for."""


@dataclass(frozen=True)
class Sample:
    """Times of one run, in seconds, of ``repeats`` repeats of a case."""

    repeats: int
    cpu: float
    wall: float


def open_runner(case: Case, loaded: LoadedLoop) -> asyncio.Runner:
    """A Runner whose loop is a fresh one of ``loaded``, prepared for ``case``."""
    runner = asyncio.Runner(loop_factory=loaded.new_event_loop)
    if case.task_factory == "eager":
        runner.get_loop().set_task_factory(loaded.eager_task_factory)
    return runner


def take(runner: asyncio.Runner, case: Case, repeats: int) -> Sample:
    """Run ``case`` once. CPU time is that of all threads of the process.

    Raises Miscount when the case reports another number of operations than asked.
    """
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    count = runner.run(case.run(repeats))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if count != repeats * case.operations:
        raise Miscount(f"saw {count} operations instead of {repeats * case.operations}")
    return Sample(repeats, cpu, wall)


def calibrate(runner: asyncio.Runner, case: Case, target: float) -> int:
    """Repeats of ``case`` that take about ``target`` seconds of CPU time.

    Grows from one repeat, which warms up the interpreter's caches as well.
    """
    repeats = 1
    while True:
        sample = take(runner, case, repeats)
        if sample.cpu >= target / 4 or sample.wall >= LONGEST_WALL / 4:
            break
        repeats *= 4
    share = min(target / sample.cpu, LONGEST_WALL / sample.wall)
    return max(1, round(sample.repeats * share))


def measure(case: Case, loaded: LoadedLoop, repeats: int | None, target: float) -> Sample:
    """One sample on a fresh loop, after a warm-up.

    Without ``repeats`` they are calibrated to ``target`` seconds of CPU time;
    otherwise a tenth of them warms up. Closes the loop before it returns, so a
    loop that cannot be closed fails the case.
    """
    with open_runner(case, loaded) as runner:
        if repeats is None:
            repeats = calibrate(runner, case, target)
        elif repeats >= 10:
            take(runner, case, repeats // 10)
        return take(runner, case, repeats)
