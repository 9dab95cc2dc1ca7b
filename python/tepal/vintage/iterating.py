"""``__aiter__`` as Python 3.5.0 and 3.5.1 had it: a coroutine (PEP 492 of 2015), which ``async for`` awaited.

Since Python 3.7 ``async for`` takes only what ``__aiter__()`` returns itself.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from tepal.vintage.coroutines import awaiting

__all__ = ("iterated",)


def iterated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an ``__aiter__`` that may give an asynchronous iterator, as today, or a coroutine that gives one."""

    @functools.wraps(function)
    def __aiter__(*args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs)
        return made if hasattr(type(made), "__anext__") else _Awaited(made)

    return __aiter__


class _Awaited:
    """The iterator that a coroutine gives, awaited at the first step; it may be awaited by itself as well."""

    def __init__(self, coroutine: Awaitable[Any]) -> None:
        self._coroutine = coroutine
        self._iterator: Any = None

    def __aiter__(self) -> _Awaited:
        return self

    async def __anext__(self) -> Any:
        if self._iterator is None:
            self._iterator = await awaiting(self._coroutine)
        return await self._iterator.__anext__()

    def __await__(self) -> Any:
        return (yield from awaiting(self._coroutine))
