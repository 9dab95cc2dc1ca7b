"""Making tepal's Tasks visible to ``asyncio.all_tasks()``, and C Tasks to tepal.

asyncio keeps a ``WeakSet`` of the Tasks that are not its own C Tasks. Adding every Task of ours to
it would cost more than the Task itself, so the set is taught to ask the loops' own lists when
somebody iterates over it.
"""

import _asyncio
import gc
import weakref
from asyncio import events
from collections.abc import Iterator
from typing import Any

from tepal import _native

__all__ = ("install",)


class _TasksOfAllLoops(weakref.WeakSet[Any]):
    """asyncio's set of Tasks, and the unfinished Tasks of all tepal loops."""

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        yield from _native.live_tasks()

    def __len__(self) -> int:
        return super().__len__() + len(_native.live_tasks())


def _find_task_set() -> "weakref.WeakSet[Any] | None":
    """The set that ``all_tasks()`` of this version reads.

    3.11 names it ``_all_tasks``, 3.12 and 3.13 ``_scheduled_tasks``; from 3.14 on only the C module
    itself refers to it, which the collector can be asked.
    """
    for name in ("_all_tasks", "_scheduled_tasks"):
        found = getattr(_asyncio, name, None)
        if isinstance(found, weakref.WeakSet):
            return found
    sets = [found for found in gc.get_referents(_asyncio) if type(found) is weakref.WeakSet]
    return sets[0] if len(sets) == 1 else None


class _AskedLoop:
    """A loop that only remembers what a C Task asks of it."""

    def __init__(self) -> None:
        self.callback: Any = None

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> None:
        self.callback = callback

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        pass


def _learn_c_tasks() -> None:
    """Show the native module how a C Task is driven: its step and its wake-up."""
    loop = _AskedLoop()
    future: Any = _asyncio.Future(loop=loop)  # type: ignore[arg-type]

    async def wait() -> None:
        await future

    running = events._get_running_loop()
    events._set_running_loop(loop)  # type: ignore[arg-type]
    task: Any = None
    try:
        task = _asyncio.Task(wait(), loop=loop)  # type: ignore[arg-type]
        step = loop.callback
        step()
        wakeup = future._callbacks[0][0]
        _native.recognise(step, wakeup)
    finally:
        if task is not None:
            task._log_destroy_pending = False
            future.cancel()
            task.get_coro().close()
            _asyncio._unregister_task(task)
        events._set_running_loop(running)


def _install() -> None:
    tasks = _find_task_set()
    if tasks is None:
        raise ImportError("this version of asyncio keeps its Tasks where tepal cannot find them")
    if not isinstance(tasks, _TasksOfAllLoops):
        tasks.__class__ = _TasksOfAllLoops
    _learn_c_tasks()


_installed = False


def install() -> None:
    """Do the above once, when the first loop is made (importing tepal changes nothing)."""
    global _installed
    if not _installed:
        _installed = True
        _install()
