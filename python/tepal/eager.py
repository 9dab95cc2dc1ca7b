"""The task factory that starts tepal's Tasks eagerly: their first step runs at once, within the caller's own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any, TypeVar

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
        """Return a ``tepal.Task`` whose first step has run, for ``loop.set_task_factory(tepal.eager_task_factory)``.

        Python 3.11 has no ``asyncio.eager_task_factory``; this one behaves as that of 3.12 does (CPython,
        Lib/asyncio/tasks.py, ``create_eager_task_factory``): if ``coro`` ends without suspending, the Task is done
        when it is returned, and the loop has not been involved. While ``loop`` is not running, the first step is
        queued as usual.
        """
        return Task(coro, loop=loop, name=name, context=context, eager_start=True)
