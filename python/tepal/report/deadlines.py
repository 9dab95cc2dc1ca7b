"""Tasks that a timer may cancel: ``asyncio.timeout()``, another library's cancel scopes, a method called later."""

from __future__ import annotations

import gc
import types
from typing import Any

from tepal import _native

_NODES = 100
"""Objects that are looked at for one timer."""

_LEADS_NOWHERE: tuple[type, ...] = (
    type, types.ModuleType, types.FrameType, types.CodeType, types.CoroutineType, types.GeneratorType,
    types.AsyncGeneratorType, _native.LoopCore, _native.Future,
)  # fmt: skip
"""A future leads to the Task that waits for it, which is no Task that the timer can cancel."""


def guarded(loop: Any, tasks: list[Any]) -> set[int]:
    """The numbers of those ``tasks`` that the callback of a timer of ``loop`` can reach."""
    numbers = {id(task): number for number, task in enumerate(tasks)}
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
