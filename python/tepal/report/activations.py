"""Which coroutine ran inside which Task, from when to when: the nested bars of the picture.

An activation lasts from a coroutine's first step to its end, with all its waits; those of one Task lie strictly inside
each other. They are told by ``sys.monitoring`` (PEP 669) from Python 3.12 on, where only coroutines are told about,
and by ``sys.setprofile`` on 3.11, which is told of every call and so slows the whole program down; a recording for a
report alone uses neither.
"""

from __future__ import annotations

import asyncio
import dis
import sys
import time
from types import CodeType
from typing import Any

from tepal import _native

_COROUTINE = 0x80 | 0x100
"""``CO_COROUTINE | CO_ITERABLE_COROUTINE`` (Include/cpython/code.h)."""

_YIELDS = {dis.opmap["YIELD_VALUE"]}
_TOOL = 4
"""A number for ``sys.monitoring`` that no debugger, profiler or coverage tool claims."""


class Activations:
    """The activations between ``begin()`` and ``end()``."""

    def __init__(self, limit: int) -> None:
        self.ended: list[tuple[int, int, int, int, CodeType]] = []
        """Start, end, number of the Task, depth, code; times are nanoseconds of the monotonic clock."""
        self.dropped = 0
        self._limit = limit
        self._open: dict[int, list[tuple[int, CodeType]]] = {}
        self._first: dict[CodeType, int] = {}
        self._bytes: dict[CodeType, bytes] = {}
        self._listens = False

    def begin(self) -> None:
        """Listen."""
        if sys.version_info >= (3, 12):
            self._begin_monitoring()
        elif sys.getprofile() is None:
            sys.setprofile(self._profile)
            self._listens = True

    def end(self) -> None:
        """Listen no longer; what has not ended ends now."""
        if self._listens:
            self._listens = False
            if sys.version_info >= (3, 12):
                sys.monitoring.set_events(_TOOL, 0)
                sys.monitoring.free_tool_id(_TOOL)
            else:
                sys.setprofile(None)
        for task in list(self._open):
            self._close(task, 0)

    if sys.version_info >= (3, 12):

        def _begin_monitoring(self) -> None:
            monitoring = sys.monitoring
            if monitoring.get_tool(_TOOL) is not None:
                return
            monitoring.use_tool_id(_TOOL, "tepal")
            self._listens = True
            events = monitoring.events
            monitoring.register_callback(_TOOL, events.PY_START, self._on_start)
            monitoring.register_callback(_TOOL, events.PY_RETURN, self._on_return)
            monitoring.register_callback(_TOOL, events.PY_UNWIND, self._on_unwind)
            monitoring.set_events(_TOOL, events.PY_START | events.PY_RETURN | events.PY_UNWIND)

        def _on_start(self, code: CodeType, _offset: int) -> Any:
            if not code.co_flags & _COROUTINE:
                return sys.monitoring.DISABLE
            self._start(code)
            return None

        def _on_return(self, code: CodeType, _offset: int, _value: object) -> Any:
            if not code.co_flags & _COROUTINE:
                return sys.monitoring.DISABLE
            self._stop(code)
            return None

        def _on_unwind(self, code: CodeType, _offset: int, _error: object) -> Any:
            if code.co_flags & _COROUTINE:
                self._stop(code)

    def _profile(self, frame: Any, event: str, _value: object) -> None:
        code = frame.f_code
        if not code.co_flags & _COROUTINE:
            return
        if event == "call":
            first = self._first.get(code)
            if first is None:
                first = self._first[code] = next(
                    (each.offset for each in dis.get_instructions(code) if each.opname == "RESUME"), 0
                )
            if frame.f_lasti <= first:
                self._start(code)
        elif event == "return":
            text = self._bytes.get(code)
            if text is None:
                text = self._bytes[code] = code.co_code
            if text[frame.f_lasti] not in _YIELDS:
                self._stop(code)

    def _start(self, code: CodeType) -> None:
        task = _current_task()
        if task:
            self._open.setdefault(task, []).append((time.monotonic_ns(), code))

    def _stop(self, code: CodeType) -> None:
        task = _current_task()
        opened = self._open.get(task)
        if not opened:
            return
        for depth in range(len(opened) - 1, -1, -1):
            if opened[depth][1] is code:
                self._close(task, depth)
                return

    def _close(self, task: int, depth: int) -> None:
        """End the activations of a Task from a depth on: what lies inside cannot outlast what lies outside."""
        opened = self._open[task]
        now = time.monotonic_ns()
        while len(opened) > depth:
            start, code = opened.pop()
            if len(self.ended) < self._limit:
                self.ended.append((start, now, task, len(opened), code))
            else:
                self.dropped += 1
        if not opened:
            del self._open[task]


def _current_task() -> int:
    """The number of the Task that runs; 0 if none does that was recorded. The Task itself must not be kept."""
    try:
        return _native.note_of(asyncio.current_task())
    except RuntimeError:
        return 0
