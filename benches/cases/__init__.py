"""All benchmark cases, group by group, in the order of the report."""

from cases import async_trees, callbacks, echo, processes, synchronization, tasks, threads, timers
from cases.case import Case

__all__ = ["ALL", "GROUPS", "Case"]

GROUPS = (
    tasks.GROUP,
    synchronization.GROUP,
    callbacks.GROUP,
    timers.GROUP,
    threads.GROUP,
    async_trees.GROUP,
    echo.GROUP,
    processes.GROUP,
)

ALL: dict[str, Case] = {case.name: case for group in GROUPS for case in group.cases}
