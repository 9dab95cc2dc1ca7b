"""The event loop of vintage programs: tepal's, whose Tasks drive generators too."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import types
from asyncio import coroutines
from typing import Any

import tepal
from tepal.vintage.coroutines import drivable, iscoroutine

__all__ = ("EventLoop",)


class EventLoop(tepal.EventLoop):
    """``tepal.EventLoop`` with what asyncio has dropped since Python 3.4.

    Differences from ``tepal.EventLoop``:
      * Tasks drive any generator, on every Python.
      * A selector is accepted, and closed at once: the loop polls by itself.
      * ``set_default_executor()`` takes any executor, as it did until Python 3.10.
      * ``wait_closed()`` of a server that was closed does not wait for its connections, as it did until Python 3.11.
    """

    def __init__(self, selector: Any = None, *, keep_tasks: bool = False) -> None:
        if selector is not None:
            selector.close()
        super().__init__(keep_tasks=keep_tasks)
        self._drives_generators = True
        _show_generators()

    def run_until_complete(self, future: Any) -> Any:
        """Run until ``future``, a Future or a coroutine of any time, is done; return its result or raise its exception.

        Raises ``TypeError`` if it is neither, ``RuntimeError`` if the loop is closed or stops before.
        """
        self._check_closed()
        if not iscoroutine(future) or asyncio.isfuture(future):
            return super().run_until_complete(future)
        task = self.create_task(drivable(future, self))
        # As asyncio does for the Tasks that it makes here: whoever interrupts the run is told by the interruption.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        try:
            return super().run_until_complete(task)
        except BaseException:
            if task.done() and not task.cancelled():
                task.exception()
            raise

    def set_default_executor(self, executor: Any) -> None:
        """Have ``run_in_executor(None, ...)`` use ``executor``, a ``concurrent.futures.Executor`` of any kind."""
        if not isinstance(executor, concurrent.futures.Executor):
            raise TypeError(f"an executor was expected, got {executor!r}")
        self._default_executor = executor

    async def create_server(self, *args: Any, **kwargs: Any) -> Any:
        """Listen on TCP, as asyncio's method of this name."""
        return _waiting_for_nobody(await super().create_server(*args, **kwargs))

    async def create_unix_server(self, *args: Any, **kwargs: Any) -> Any:
        """Listen on a Unix socket, as asyncio's method of this name."""
        return _waiting_for_nobody(await super().create_unix_server(*args, **kwargs))


def _show_generators() -> None:
    """Let ``repr()`` of a Task show a generator like a coroutine; from 3.12 on asyncio asserts that it is none."""
    by_asyncio: Any = coroutines._format_coroutine  # type: ignore[attr-defined]
    if sys.version_info < (3, 12) or by_asyncio.__module__ == __name__:
        return

    def format_coroutine(coro: Any) -> str:
        if not isinstance(coro, types.GeneratorType):
            return str(by_asyncio(coro))
        name, code = f"{coro.__qualname__}()", coro.gi_code
        if coro.gi_frame is None:
            return f"{name} done, defined at {code.co_filename}:{code.co_firstlineno}"
        return f"{name} running at {code.co_filename}:{coro.gi_frame.f_lineno}"

    coroutines._format_coroutine = format_coroutine


def _waiting_for_nobody(server: Any) -> Any:
    """Let ``wait_closed()`` of a closed server return at once, as programs of then expect."""
    wait_closed = server.wait_closed

    async def wait_closed_as_then() -> None:
        if server.sockets:
            await wait_closed()

    server.wait_closed = wait_closed_as_then
    return server
