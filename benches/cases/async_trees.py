"""Trees of tasks after pyperformance's idea ``async_tree``.

Every node starts six children and waits for them, five levels deep, and each of
the 7,776 leaves does one of four workloads. pyperformance goes six levels deep;
one less keeps a sample near 0.1 s, so that a round stays short. The idea and the proportions are
those of pyperformance (https://github.com/python/pyperformance, ``bm_async_tree``),
the code is our own. Each shape exists with `asyncio.gather` and with
`asyncio.TaskGroup`. One operation is one task.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable

from cases.case import CaseGroup

GROUP = CaseGroup("async_trees")

CHILDREN = 6
LEVELS = 5
LEAVES = CHILDREN**LEVELS
TASKS = sum(CHILDREN**level for level in range(1, LEVELS + 1))

IO_SECONDS = 0.050
MEMOIZED_SHARE = 0.90
CPU_SHARE = 0.50
FACTORIAL_OF = 500

Leaf = Callable[[], Awaitable[int]]
Grow = Callable[[int, Leaf], Awaitable[int]]


class Leaves:
    """The four workloads of a leaf; each returns 1 for the count of leaves."""

    def __init__(self) -> None:
        # The same seed on every loop: all of them do the same work.
        self.random = random.Random(0)
        self.memoized: set[int] = set()

    async def none(self) -> int:
        """No work at all: only the tree is measured."""
        return 1

    async def io(self) -> int:
        """Pretend to wait for a device."""
        return await asyncio.sleep(IO_SECONDS, 1)

    async def memoization(self) -> int:
        """Ninety per cent of the leaves ask for one of 90 values, waiting only at first."""
        key = self.random.randint(1, 100)
        if key <= 100 * MEMOIZED_SHARE:
            if key in self.memoized:
                return 1
            self.memoized.add(key)
        return await self.io()

    async def cpu_io_mixed(self) -> int:
        """Half of the leaves compute, half of them wait."""
        if self.random.random() < CPU_SHARE:
            math.factorial(FACTORIAL_OF)
            return 1
        return await self.io()


async def gather_tree(level: int, leaf: Leaf) -> int:
    """Grow a tree of ``level`` levels by `asyncio.gather`; returns its leaves."""
    if level == 0:
        return await leaf()
    return sum(await asyncio.gather(*[gather_tree(level - 1, leaf) for _ in range(CHILDREN)]))


async def task_group_tree(level: int, leaf: Leaf) -> int:
    """Grow a tree of ``level`` levels by `asyncio.TaskGroup`; returns its leaves."""
    if level == 0:
        return await leaf()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(task_group_tree(level - 1, leaf)) for _ in range(CHILDREN)]
    return sum([task.result() for task in tasks])


def declare(shape: str, title: str) -> None:
    """Declare one shape of leaves in both ways of growing a tree."""
    for grow, suffix, words in (
        (gather_tree, "gather", "gather"),
        (task_group_tree, "task_group", "TaskGroup"),
    ):

        async def run(repeats: int, grow: Grow = grow) -> int:
            count = 0
            for _ in range(repeats):
                leaves = await grow(LEVELS, getattr(Leaves(), shape))
                # All leaves arrived, so all tasks above them ran.
                count += TASKS if leaves == LEAVES else 0
            return count

        GROUP.case(f"tree_{shape}_{suffix}", f"async_tree {title}, {words}", operations=TASKS)(run)


declare("none", "none")
declare("io", "io")
declare("memoization", "memoization")
declare("cpu_io_mixed", "cpu_io_mixed")
