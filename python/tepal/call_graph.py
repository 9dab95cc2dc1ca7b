"""asyncio's call graph (3.14 and later) with tepal's Tasks in it.

``gather``, ``wait``, ``shield`` and ``TaskGroup`` record who waits for whom with
``future_add_to_awaited_by``, whose C version stores nothing unless both are CPython's own. From the
first tepal loop on, edges from or to one of ours are stored too; all others go to CPython.
"""

import sys
import weakref
from asyncio import futures
from typing import Any

from tepal import _native

__all__ = ("install",)

# Who waits for a C Future that cannot store our Task itself (the outer future of gather()).
_waiters: "weakref.WeakKeyDictionary[Any, weakref.WeakSet[Any]]" = weakref.WeakKeyDictionary()


def _is_ours(future: Any) -> bool:
    return isinstance(type(future), type) and issubclass(type(future), _native.Future)


def install() -> None:
    """Put the two recording functions in place; before 3.14 there is nothing to do."""
    if sys.version_info < (3, 14) or getattr(futures.future_add_to_awaited_by, "_tepal", False):
        return
    add, discard = futures.future_add_to_awaited_by, futures.future_discard_from_awaited_by

    def future_add_to_awaited_by(future: Any, waiter: Any, /) -> None:
        """Record that `future` is awaited on by `waiter`."""
        if _native.add_awaiter(future, waiter):
            return
        if _is_ours(waiter):
            _waiters.setdefault(future, weakref.WeakSet()).add(waiter)
        else:
            add(future, waiter)

    def future_discard_from_awaited_by(future: Any, waiter: Any, /) -> None:
        """Record that `future` is no longer awaited on by `waiter`."""
        if _native.discard_awaiter(future, waiter):
            return
        if _is_ours(waiter):
            waiters = _waiters.get(future)
            if waiters is not None:
                waiters.discard(waiter)
        else:
            discard(future, waiter)

    future_add_to_awaited_by._tepal = True  # type: ignore[attr-defined]
    futures.future_add_to_awaited_by = future_add_to_awaited_by
    futures.future_discard_from_awaited_by = future_discard_from_awaited_by
