"""Which Tasks hold the lock that another waits for, as far as an ``async with`` tells."""

from __future__ import annotations

import asyncio
import gc
import types
from collections.abc import Iterable
from typing import Any

from tepal.report.waiting import chain_of, frames_of

_LOCKS = (asyncio.Lock, asyncio.Semaphore, asyncio.Condition)


def holders(number: int, tasks: list[Any], others: Iterable[int]) -> set[int]:
    """The numbers of those ``others`` of ``tasks`` that are inside an ``async with`` of the lock a Task waits for."""
    wanted = _wanted(tasks[number], {"acquire"})
    if not wanted:
        return set()
    return {other for other in others if other != number and wanted[0] in _held(tasks[other])}


def _wanted(task: Any, methods: set[str]) -> list[int]:
    """The identity of the lock one of whose ``methods`` the Task does innermost; of a Condition, of its lock."""
    frames = frames_of(task.get_coro())
    if not frames or frames[-1].f_code.co_name not in methods:
        return []
    this = frames[-1].f_locals.get("self")
    return [_identity(this)] if isinstance(this, _LOCKS) else []


def _identity(lock: Any) -> int:
    return id(getattr(lock, "_lock", lock))


def _held(task: Any) -> list[int]:
    """The identities of the locks inside whose ``async with`` the Task is, without the one that it waits for.

    Until the block ends, its coroutine keeps ``__aexit__``: as a bound method, or from Python 3.14 on as the function
    and the lock side by side.
    """
    held: list[int] = []
    for link in chain_of(task.get_coro()):
        kept = gc.get_referents(link)
        for index in range(len(kept)):
            if getattr(kept[index], "__name__", None) == "__aexit__":
                bound = isinstance(kept[index], types.MethodType)
                owners = [kept[index].__self__] if bound else kept[max(index - 1, 0) : index + 2]
                held += [_identity(owner) for owner in owners if isinstance(owner, _LOCKS)]
    # Who waits to enter has kept it as well, and `Condition.wait()` gives its lock away.
    for each in _wanted(task, {"acquire", "wait"}):
        if each in held:
            held.remove(each)
    return held
