"""The task factory that starts tepal's Tasks eagerly: their first step runs at once, within the caller's own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any, TypeVar

from tepal import _native
from tepal._native import Task

_T = TypeVar("_T")

if sys.version_info >= (3, 12):
    # asyncio's own maker, not a copy: anyio recognises an eager factory by its code object and takes the Task class
    # out of its closure where a task must not start eagerly. The keywords that a factory takes are then right on each
    # version, too.
    eager_task_factory = asyncio.create_eager_task_factory(Task)
else:

    def eager_task_factory(
        loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, _T] | Generator[Any, None, _T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> Task[_T]:
        return Task(coro, loop=loop, name=name, context=context, eager_start=True)


eager_task_factory.__doc__ = """Return a ``tepal.Task`` for ``coro`` whose first step has run.

For ``loop.set_task_factory(tepal.eager_task_factory)``. If ``coro`` ends without suspending, the Task is done when it
is returned, and the loop has not been involved. While ``loop`` does not run, the first step is queued as usual.

Raises ``TypeError`` if ``coro`` is no coroutine; ``SystemExit`` and ``KeyboardInterrupt`` if the first step does.

As ``asyncio.eager_task_factory`` (CPython, Lib/asyncio/tasks.py), which makes C Tasks and does not exist on 3.11.
"""

# A loop of ours need not call it for each Task: create_task then starts Tasks eagerly by itself.
_native.recognise_eager_factory(eager_task_factory)
