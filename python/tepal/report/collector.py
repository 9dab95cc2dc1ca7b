"""When the garbage collector ran: a pause of its own holds the loop, whatever line it happens in."""

from __future__ import annotations

import bisect
import gc
import time

_SHORTEST = 1_000_000
"""Nanoseconds from which on a collection is remembered."""

_MOST = 10_000
"""How many are remembered."""


class Collections:
    """The collections of the process between ``begin()`` and ``end()``."""

    def __init__(self) -> None:
        self._began = 0
        self._starts: list[int] = []
        self._ends: list[int] = []

    def begin(self) -> None:
        """Listen."""
        gc.callbacks.append(self._told)

    def end(self) -> None:
        """Listen no longer."""
        if self._told in gc.callbacks:
            gc.callbacks.remove(self._told)

    def _told(self, phase: str, _info: object) -> None:
        now = time.monotonic_ns()
        if phase == "start":
            self._began = now
        elif self._began and now - self._began >= _SHORTEST and len(self._starts) < _MOST:
            self._starts.append(self._began)
            self._ends.append(now)

    def within(self, start: int, taken: int) -> int:
        """How many of the ``taken`` nanoseconds after ``start`` belonged to the collector."""
        total = 0
        for index in range(bisect.bisect_right(self._ends, start), len(self._starts)):
            if self._starts[index] >= start + taken:
                break
            total += min(self._ends[index], start + taken) - max(self._starts[index], start)
        return total
