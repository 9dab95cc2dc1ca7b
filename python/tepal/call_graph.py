"""asyncio's call graph (3.14 and later) with tepal's Tasks in it.

``gather``, ``wait``, ``shield`` and ``TaskGroup`` record who waits for whom with
``future_add_to_awaited_by``, whose C version stores nothing unless both are CPython's own. From the
first tepal loop on, edges from or to one of ours are stored too; all others go to CPython.
"""

import _asyncio
import asyncio
import sys
import weakref
from asyncio import futures, tasks
from typing import Any

from tepal import _native

__all__ = ("install",)

# Who waits for a Future of CPython's, which cannot store a waiter of ours itself.
_waiters: "weakref.WeakKeyDictionary[Any, weakref.WeakSet[Any]]" = weakref.WeakKeyDictionary()


def _is_ours(future: Any) -> bool:
    return issubclass(type(future), _native.Future)


def _awaited_by(future: Any) -> frozenset[Any] | None:
    """Who waits for the outer Future of ``gather()``: what CPython stored, and Tasks of ours.

    One of ours that awaits it is found by the callback that will wake it.
    """
    waiters = set(_asyncio.Future._asyncio_awaited_by.__get__(future) or ())  # type: ignore[attr-defined]
    waiters.update(_waiters.get(future, ()))
    for callback, _context in future._callbacks or ():
        task = getattr(callback, "__self__", None)
        if _is_ours(task):
            waiters.add(task)
    return frozenset(waiters) if waiters else None


def _add_foreign(future: Any, waiter: Any) -> None:
    """Record a waiter of a Future of CPython's."""
    if _is_ours(waiter):
        _waiters.setdefault(future, weakref.WeakSet()).add(waiter)
    else:
        _asyncio.future_add_to_awaited_by(future, waiter)  # type: ignore[attr-defined]


def _discard_foreign(future: Any, waiter: Any) -> None:
    """Take the record of ``_add_foreign`` back."""
    if _is_ours(waiter):
        waiters = _waiters.get(future)
        if waiters is not None:
            waiters.discard(waiter)
    else:
        _asyncio.future_discard_from_awaited_by(future, waiter)  # type: ignore[attr-defined]


def install() -> None:
    """Put the two recording functions in place; before 3.14 there is nothing to do."""
    if sys.version_info < (3, 14) or "_asyncio_awaited_by" in vars(tasks._GatheringFuture):
        return
    _native.record_foreign_awaiters(_add_foreign, _discard_foreign)
    for name in ("future_add_to_awaited_by", "future_discard_from_awaited_by"):
        for module, attribute in ((futures, name), (futures, f"_c_{name}"), (asyncio, name)):
            if getattr(module, attribute, None) is getattr(_asyncio, name):
                setattr(module, attribute, getattr(_native, name))
    tasks._GatheringFuture._asyncio_awaited_by = property(_awaited_by)
