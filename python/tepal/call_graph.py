"""asyncio's call graph (3.14 and later) with tepal's Tasks in it.

``gather``, ``wait``, ``shield`` and ``TaskGroup`` record who waits for whom with
``future_add_to_awaited_by``, whose C version stores nothing unless both are CPython's own. From the
first tepal loop on, edges from or to one of ours are stored too; all others go to CPython.
"""

import _asyncio
import asyncio
import dataclasses
import importlib
import sys
import weakref
from asyncio import futures
from collections.abc import Callable
from typing import Any

from tepal import _native

__all__ = ("install",)

# Who waits for a Future of CPython's, which cannot store a waiter of ours itself.
_waiters: "weakref.WeakKeyDictionary[Any, weakref.WeakSet[Any]]" = weakref.WeakKeyDictionary()


_installed = False


def _is_ours(future: Any) -> bool:
    return issubclass(type(future), _native.Future)


def _waiters_of_ours(future: Any) -> set[Any]:
    """Tasks of ours that wait for a Future of CPython's, which cannot store them.

    One that awaits it is found by the callback that will wake it; the others were recorded.
    """
    waiters = set(_waiters.get(future, ()))
    for callback, _context in future._callbacks or ():
        task = getattr(callback, "__self__", None)
        if _is_ours(task):
            waiters.add(task)
    return waiters


def _with_waiters_of_ours(build: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``asyncio.graph._build_graph_for_future``, which asks a Future itself who awaits it."""

    def build_graph_for_future(future: Any, *, limit: int | None = None) -> Any:
        graph = build(future, limit=limit)
        if _is_ours(future):
            return graph
        known = {id(parent.future) for parent in graph.awaited_by}
        missing = [task for task in _waiters_of_ours(future) if id(task) not in known]
        parents = tuple(build_graph_for_future(task, limit=limit) for task in missing)
        return dataclasses.replace(graph, awaited_by=tuple(graph.awaited_by) + parents)

    return build_graph_for_future


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
    global _installed
    if sys.version_info < (3, 14) or _installed:
        return
    _installed = True
    _native.record_foreign_awaiters(_add_foreign, _discard_foreign)
    for name in ("future_add_to_awaited_by", "future_discard_from_awaited_by"):
        for module, attribute in ((futures, name), (futures, f"_c_{name}"), (asyncio, name)):
            if getattr(module, attribute, None) is getattr(_asyncio, name):
                setattr(module, attribute, getattr(_native, name))
    graph = importlib.import_module("asyncio.graph")
    graph._build_graph_for_future = _with_waiters_of_ours(graph._build_graph_for_future)
