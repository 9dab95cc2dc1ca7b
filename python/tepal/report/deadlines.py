"""Tasks that a timer may cancel: ``asyncio.timeout()``, another library's cancel scopes, a method called later.

With a Task those are cancelled that it awaits, bare or in a ``gather()``, and those of its ``TaskGroup``.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import types
from collections.abc import Iterable
from typing import Any

from tepal import _native
from tepal.report import places
from tepal.report.waiting import frames_of

_NODES = 100
"""Objects that are looked at for one timer."""

_LEADS_NOWHERE: tuple[type, ...] = (
    type, types.ModuleType, types.FrameType, types.CodeType, types.CoroutineType, types.GeneratorType,
    types.AsyncGeneratorType, _native.LoopCore, _native.Future,
)  # fmt: skip
"""A future leads to the Task that waits for it, which is no Task that the timer can cancel."""


def guarded(loop: Any, tasks: list[Any]) -> set[int]:
    """The numbers of those ``tasks`` that the callback of a timer of ``loop`` can reach, or whom that leads to."""
    numbers = {id(task): number for number, task in enumerate(tasks)}
    found = _reached(loop, numbers)
    found.update(numbers[id(each)] for task in tasks for each in _limited(task) if id(each) in numbers)
    groups = [(number, group) for number, task in enumerate(tasks) for group in _groups(task)]
    size = -1
    while size < len(found):
        size = len(found)
        awaited = [each for number in found for each in _members(tasks[number]._fut_waiter)]
        found.update(numbers[id(each)] for each in awaited if id(each) in numbers)
        found.update(number for number, group in groups if numbers.get(id(group._parent_task)) in found)
    return found


def _members(awaited: Any) -> Iterable[Any]:
    """The Tasks that are cancelled with a future."""
    if type(awaited).__name__ != "_GatheringFuture":
        return [awaited]
    return itertools.chain.from_iterable(map(_members, awaited._children))


def _groups(task: Any) -> Iterable[Any]:
    """The TaskGroup of a Task: it is told when the Task ends."""
    owners = (getattr(callback, "__self__", None) for callback, _ in task._callbacks or ())
    return [owner for owner in owners if isinstance(owner, asyncio.TaskGroup)]


def _limited(task: Any) -> Iterable[Any]:
    """What ``wait_for()`` of Python 3.11, by which a Task waits, cancels when the time is over."""
    for frame in frames_of(task.get_coro()):
        if frame.f_code.co_name == "wait_for" and places.is_machinery(frame.f_code.co_filename):
            local = frame.f_locals
            if local.get("timeout_handle") is not None:
                yield from _members(local["fut"])


def _reached(loop: Any, numbers: dict[int, int]) -> set[int]:
    """The numbers of the Tasks that a timer's callback can reach."""
    found: set[int] = set()
    for handle in loop._scheduled_handles():
        if handle.cancelled():
            continue
        left = [handle._callback, *(handle._args or ())]
        seen = set(map(id, left))
        while left and len(seen) < _NODES:
            each = left.pop()
            if id(each) in numbers:
                found.add(numbers[id(each)])
            elif not isinstance(each, _LEADS_NOWHERE):
                further = [referent for referent in _held(each) if id(referent) not in seen]
                seen.update(map(id, further))
                left += further
    return found


def _held(owner: Any) -> list[Any]:
    """What an object refers to; of a function not the names of its module."""
    if isinstance(owner, types.FunctionType):
        return [*(owner.__closure__ or ()), *(owner.__defaults__ or ()), *(owner.__kwdefaults__ or {}).values()]
    return gc.get_referents(owner)
