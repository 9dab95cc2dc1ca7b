"""Tasks that nobody keeps.

asyncio keeps only weak references to Tasks ("save a reference to the result", its documentation says): one that waits
for something which only it refers to may be ended by the garbage collector. That nobody keeps a Task is exact: when
its first step is taken out of the ready queue, the queue's own reference is the only one.
"""

from __future__ import annotations

from typing import Any

from tepal.report import places
from tepal.report.finding import Finding


def find(code: Any, instruction: int, made: Any, count: int, tasks: list[int]) -> Finding:
    """The finding for a line that made ``count`` Tasks which nobody kept; ``made`` is the coroutine of the latest."""
    file, line, function = places.place_of(code, instruction)
    name = places.name_of(made)
    what = f"the Task of `{name}()`" if count == 1 else f"{count} Tasks of `{name}()`"
    verb, whom = ("is", "it") if count == 1 else ("are", "them")
    message = f"{what} {verb} kept by nobody: the garbage collector may end {whom} halfway"
    advice = "keep it in a set until it is done, await it, or use asyncio.TaskGroup"
    return Finding("dropped", message, file, line, function, count, None, advice, list(tasks))
