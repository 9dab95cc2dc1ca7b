"""The loop's queues as asyncio's methods and third parties see them: ``loop._ready`` and ``loop._scheduled``."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from tepal import _native

__all__ = ("Ready", "Scheduled")


class Ready:
    """A live view of what is ready, in the manner of a deque of Handles."""

    def __init__(self, loop: _native.LoopCore) -> None:
        self._loop = loop

    def __len__(self) -> int:
        return self._loop._ready_count()

    def __iter__(self) -> Iterator[asyncio.Handle]:
        return iter(self._loop._ready_handles())

    def __getitem__(self, index: int) -> asyncio.Handle:
        return self._loop._ready_handles()[index]

    def __contains__(self, handle: object) -> bool:
        return any(handle is other for other in self)

    def clear(self) -> None:
        """Forget everything in it."""
        self._loop._clear_ready()

    def append(self, handle: asyncio.Handle) -> None:
        """Queue a Handle at the end; a TimerHandle does not wait any longer."""
        if isinstance(handle, asyncio.TimerHandle):
            self._loop._unschedule(handle)
        # Not the loop's own method: asyncio's ``_add_callback`` appends here as well.
        _native.LoopCore._add_callback(self._loop, handle)

    def extendleft(self, handles: Iterable[asyncio.Handle]) -> None:
        """Queue Handles at the front, each before the one that came before it; O(n)."""
        front = list(handles)[::-1]
        if front:
            later = self._loop._ready_handles()
            self.clear()
            for handle in (*front, *later):
                self.append(handle)

    def appendleft(self, handle: asyncio.Handle) -> None:
        """Queue a Handle at the front; O(n)."""
        self.extendleft((handle,))

    def popleft(self) -> asyncio.Handle:
        """Take the next Handle out; IndexError if there is none."""
        handle = self._loop._pop_ready()
        if handle is None:
            raise IndexError("pop from an empty queue")
        return handle

    def __repr__(self) -> str:
        return f"<ready {self._loop._ready_handles()!r}>"


class Scheduled(list[Any]):
    """The timers as a heap that ``heapq`` takes: nest_asyncio and others turn a loop by hand and pop what is due.

    What was taken out of the list or put into it is taken over by the loop when the list is looked at next, and when
    it ends; each look shows what the loop has then.
    """

    __slots__ = ("_loop", "_shown")

    def __init__(self, loop: _native.LoopCore) -> None:
        super().__init__()
        self._loop = loop
        self._shown: list[asyncio.TimerHandle] = []
        self._look()

    def _take_over(self) -> None:
        # `heapq` changes a list without asking its class.
        now = list(list.__iter__(self))
        if len(now) == len(self._shown) and all(map(_is, now, self._shown)):
            return
        shown, left = {id(handle) for handle in self._shown}, {id(handle) for handle in now}
        for handle in self._shown:
            if id(handle) not in left:
                self._loop._unschedule(handle)
        for handle in now:
            if id(handle) not in shown:
                self._loop._schedule_handle(handle)
        self._shown = now

    def _look(self) -> None:
        self._take_over()
        self._shown = self._loop._scheduled_handles()
        list.__setitem__(self, slice(None), self._shown)

    def __len__(self) -> int:
        self._look()
        return list.__len__(self)

    def __iter__(self) -> Iterator[Any]:
        self._look()
        return list.__iter__(self)

    def __getitem__(self, index: Any) -> Any:
        self._look()
        return list.__getitem__(self, index)

    def __contains__(self, handle: object) -> bool:
        return any(handle is other for other in self)

    def clear(self) -> None:
        """Forget all timers."""
        self._shown = []
        list.clear(self)
        self._loop._clear_scheduled()

    def __repr__(self) -> str:
        return f"<scheduled {list(self)!r}>"

    def __del__(self) -> None:
        self._take_over()


def _is(left: object, right: object) -> bool:
    return left is right
