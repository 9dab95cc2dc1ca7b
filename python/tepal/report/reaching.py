"""Whether anybody is left who could complete what a Task waits for.

A Task is suspected if it waits for a Future, a Task, or one of asyncio's locks, queues and events, but neither for a
timer nor for a descriptor nor for another thread. It is cleared if what it waits for can be reached by somebody who
will run: the search goes from the awaited object to everything that refers to it, and on to what refers to that, until
it comes to something alive (a module, a running frame, a Task that is not suspected, the loop's queues) or runs out.
References that the collector does not show count as alive: they are noticed because the object's reference count is
higher. So a Task is only convicted if every single reference is accounted for. Clearing one may clear others, which is
repeated until nothing changes.
"""

from __future__ import annotations

import gc
import sys
import time
import types
from typing import Any

from tepal import _native
from tepal.report.waiting import chain_of

_NODES = 400
"""Objects that one search looks at before it takes the Task for alive."""

_SUSPECTS = 64
"""Tasks that are looked at together."""

_ALIVE: tuple[type, ...] = (types.ModuleType, types.FrameType, _native.LoopCore)
_SUSPENDED: tuple[type, ...] = (types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)


def _argument_count() -> int:
    """How many references ``sys.getrefcount(list[0])`` counts beside the list's."""
    only = [object()]
    return sys.getrefcount(only[0]) - 1


_ARGUMENT = _argument_count()


def _only_remembers(owner: Any, address: int) -> bool:
    """Whether a loop refers to ``address`` once: it keeps the latest TaskGroup's callback for the next Task."""
    return isinstance(owner, _native.LoopCore) and sum(id(each) == address for each in gc.get_referents(owner)) == 1


class Suspects:
    """Tasks of which it is not known that anybody can wake them.

    The objects under suspicion are held by lists only, and by no local name: a reference of ours that the collector
    does not show would look like somebody alive.
    """

    def __init__(self, tasks: list[Any], awaited: list[Any], seconds: float) -> None:
        """``awaited[n]`` is what ``tasks[n]`` waits for; after ``seconds`` the search is given up."""
        self._tasks = tasks[:_SUSPECTS]
        self._awaited = awaited[:_SUSPECTS]
        self._deadline = time.monotonic() + seconds
        self._suspected = set(range(len(self._tasks)))
        self._parts: dict[int, int] = {}
        for number in range(len(self._tasks)):
            self._parts[id(self._tasks[number])] = number
            for link in chain_of(self._tasks[number].get_coro()):
                if not isinstance(link, _native.Future):
                    self._parts[id(link)] = number
        self._ours = {id(self._tasks), id(self._awaited), id(tasks), id(awaited)}
        self.enders: list[set[int]] = [set() for _ in self._tasks]
        """For each Task the suspected ones at whose end what it waits for may be completed."""

    def convicted(self) -> list[int]:
        """The numbers of the Tasks that nobody can wake."""
        changed = True
        while changed:
            changed = False
            for number in sorted(self._suspected):
                if self._can_be_woken(number):
                    self._suspected.discard(number)
                    changed = True
        return sorted(self._suspected)

    def _can_be_woken(self, number: int) -> bool:
        self.enders[number].clear()
        if isinstance(self._awaited[number], _native.Task):
            other = self._parts.get(id(self._awaited[number]))
            if other is not None and other in self._suspected:
                self.enders[number].add(other)
            return not self.enders[number]
        left = [self._awaited[number]]
        seen = {id(left[0])}
        for _ in range(_NODES):
            if time.monotonic() > self._deadline:
                return True
            owners = self._owners(left)
            if owners is None:
                return True
            self._note_ender(number, id(left.pop()), owners)
            while owners:
                verdict = self._is_alive(owners)
                if verdict:
                    return True
                if verdict is None and id(owners[-1]) not in seen:
                    seen.add(id(owners[-1]))
                    left.append(owners[-1])
                owners.pop()
            if not left:
                return False
        return True

    def _note_ender(self, number: int, address: int, owners: list[Any]) -> None:
        """Note suspected Tasks among ``owners`` of the object at ``address``, unless that is what they wait for.

        A Task refers to the callbacks that run when it ends; what its coroutine refers to, the coroutine may complete.
        """
        for index in range(len(owners)):
            other = self._parts.get(id(owners[index]))
            if (
                other is not None and other != number and other in self._suspected
                and isinstance(owners[index], _native.Task) and id(owners[index]._fut_waiter) != address
            ):  # fmt: skip
                self.enders[number].add(other)

    def _owners(self, objects: list[Any]) -> list[Any] | None:
        """Everything that refers to the last of ``objects``; ``None`` if something does that cannot be seen."""
        found = gc.get_referrers(objects[-1])
        address = id(objects[-1])
        shown = 0
        for index in range(len(found)):
            shown += sum(id(referent) == address for referent in gc.get_referents(found[index]))
        if sys.getrefcount(objects[-1]) - _ARGUMENT > shown:
            return None
        ours = {*self._ours, id(objects)}
        if isinstance(objects[-1], types.BuiltinMethodType) and objects[-1].__name__ == "_on_task_done":
            ours.update(id(owner) for owner in found if _only_remembers(owner, address))
        return [owner for owner in found if id(owner) not in ours]

    def _is_alive(self, owners: list[Any]) -> bool | None:
        """Whether the last of ``owners`` will do something; ``None`` if that depends on its own owners."""
        part = self._parts.get(id(owners[-1]))
        if part is not None:
            # A suspected Task cannot complete what it waits for itself; one that was cleared can.
            return part not in self._suspected
        if isinstance(owners[-1], _native.Task):
            return not owners[-1].done() or None
        if isinstance(owners[-1], _ALIVE + _SUSPENDED):
            return True
        if isinstance(owners[-1], dict) and "__spec__" in owners[-1]:
            return True  # the names of a module
        return None
