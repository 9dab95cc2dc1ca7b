"""Futures, Tasks and the functions on them, with the arguments and the ways of Python 3.4 to 3.6."""

from __future__ import annotations

import asyncio
import concurrent.futures
import types
from asyncio import events
from collections.abc import Awaitable, Generator, Iterable, Iterator
from typing import Any

import tepal
from tepal.vintage.coroutines import awaiting, drivable, is_drivable_by, iscoroutine, mark
from tepal.vintage.event_loop import EventLoop
from tepal.vintage.policy import checked

__all__ = (
    "Future",
    "Task",
    "as_completed",
    "create_task",
    "ensure_future",
    "gather",
    "run",
    "run_coroutine_threadsafe",
    "shield",
    "sleep",
    "wait",
    "wait_for",
    "wrap_future",
)


_FUTURES = (asyncio.Future, tepal.Future)
_TASKS = (asyncio.Task, tepal.Task)


class _FutureKind(type):
    """``isinstance()`` says yes to every Future, and a call makes tepal's own; a subclass makes its own kind."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return _new_future(*args, **kwargs) if cls is Future else super().__call__(*args, **kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _FUTURES) if cls is Future else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _FUTURES) if cls is Future else super().__subclasscheck__(subclass)


class Future(tepal.Future[Any], metaclass=_FutureKind):
    """A result to come, of ``loop`` or else of ``get_event_loop()``."""

    def __init__(self, loop: Any = None) -> None:
        super().__init__(loop=checked(loop))


def _new_future(loop: Any = None) -> Any:
    return tepal.Future(loop=checked(loop))


class _TaskKind(type):
    """As ``_FutureKind``, for Tasks."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return _new_task(*args, **kwargs) if cls is Task else super().__call__(*args, **kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _TASKS) if cls is Task else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _TASKS) if cls is Task else super().__subclasscheck__(subclass)


class Task(tepal.Task[Any], metaclass=_TaskKind):
    """Drives a coroutine of any time, in ``loop`` or else in ``get_event_loop()``; ``TypeError`` if it is none."""

    def __init__(self, coro: Any, loop: Any = None, **options: Any) -> None:
        super().__init__(drivable(_coroutine(coro), checked(loop)), loop=checked(loop), **options)

    @classmethod
    def all_tasks(cls, loop: Any = None) -> set[Any]:
        """Return the Tasks of ``loop`` (else of ``get_event_loop()``) that are not done.

        Until Python 3.8 there were also those that were done and not yet forgotten.
        """
        return asyncio.all_tasks(checked(loop))

    @classmethod
    def current_task(cls, loop: Any = None) -> Any:
        """Return the Task that runs in ``loop`` (else in ``get_event_loop()``) right now, or ``None``."""
        loop = checked(loop)
        return asyncio.current_task(loop) if events._get_running_loop() is loop else None


def _new_task(coro: Any, loop: Any = None, **options: Any) -> Any:
    loop = checked(loop)
    return tepal.Task(drivable(_coroutine(coro), loop), loop=loop, **options)


def _coroutine(coro: Any) -> Any:
    if not iscoroutine(coro):
        raise TypeError(f"a coroutine was expected, got {coro!r}")
    return coro


def ensure_future(coro_or_future: Any, loop: Any = None) -> Any:
    """Return a Future itself, and a new Task for a coroutine of any time or another awaitable.

    Raises ``TypeError`` if it is neither, ``ValueError`` if a Future belongs to another loop than ``loop``. It was
    ``asyncio.async()`` until Python 3.6.
    """
    if asyncio.isfuture(coro_or_future):
        if loop is not None and coro_or_future.get_loop() is not loop:
            raise ValueError("loop argument must agree with Future")
        return coro_or_future
    if iscoroutine(coro_or_future):
        coro = coro_or_future
    elif isinstance(coro_or_future, Awaitable):
        coro = awaiting(coro_or_future)
    else:
        raise TypeError(f"A Future, a coroutine or an awaitable is required, got {coro_or_future!r}")
    loop = checked(loop)
    return loop.create_task(coro if is_drivable_by(coro, loop) else drivable(coro, loop))


def create_task(coro: Any, **options: Any) -> Any:
    """Return a Task of the loop that runs, for a coroutine of any time (``asyncio.create_task`` of 3.7 and later)."""
    loop = asyncio.get_running_loop()
    return loop.create_task(drivable(_coroutine(coro), loop), **options)


def run(main: Any, **options: Any) -> Any:
    """Run a coroutine of any time on a new loop, as ``asyncio.run()`` of 3.7 and later; returns its result."""
    options.setdefault("loop_factory", EventLoop)
    return tepal.run(drivable(main, None), **options)


def wrap_future(future: Any, loop: Any = None) -> Any:
    """Return the Future of ``loop`` that follows a ``concurrent.futures.Future``; an asyncio Future itself."""
    return future if asyncio.isfuture(future) else asyncio.wrap_future(future, loop=checked(loop))


def run_coroutine_threadsafe(coro: Any, loop: Any) -> concurrent.futures.Future[Any]:
    """Run a coroutine of any time on ``loop`` from another thread; returns a ``concurrent.futures.Future``."""
    return asyncio.run_coroutine_threadsafe(drivable(_coroutine(coro), None), loop)


def _futures_of(coros_or_futures: Iterable[Any], loop: Any) -> list[Any]:
    """Make each a Future, in the order in which they stand; the same one again is the same Future."""
    made: dict[int, Any] = {}
    all_of_them = list(coros_or_futures)
    for each in all_of_them:
        if id(each) not in made:
            made[id(each)] = ensure_future(each, loop=loop)
    return [made[id(each)] for each in all_of_them]


def gather(*coros_or_futures: Any, loop: Any = None, return_exceptions: bool = False) -> Any:
    """Return a Future of the list of all results; coroutines become Tasks. The same one twice is waited for once."""
    if not coros_or_futures:
        nothing = _new_future(loop)
        nothing.set_result([])
        return nothing
    loop = next((each.get_loop() for each in coros_or_futures if asyncio.isfuture(each)), loop)
    return asyncio.gather(*_futures_of(coros_or_futures, loop), return_exceptions=return_exceptions)


def shield(arg: Any, loop: Any = None) -> Any:
    """Return a Future that follows ``arg``, a Future or a coroutine of any time, and can be cancelled without it."""
    return asyncio.shield(ensure_future(arg, loop=loop))


@mark
@types.coroutine
def sleep(delay: float, result: Any = None, loop: Any = None) -> Generator[Any, Any, Any]:
    """Wait ``delay`` seconds, then return ``result``. It sleeps in the loop that runs, whatever ``loop`` is."""
    checked(loop)
    return (yield from asyncio.sleep(delay, result))


@mark
@types.coroutine
def wait(
    fs: Iterable[Any], loop: Any = None, timeout: float | None = None, return_when: str = asyncio.ALL_COMPLETED
) -> Generator[Any, Any, tuple[set[Any], set[Any]]]:
    """Wait for Futures and coroutines, ``timeout`` seconds at most; return the sets of those done and not done.

    Raises ``TypeError`` if ``fs`` is a single one, ``ValueError`` if it is empty or ``return_when`` unknown.
    """
    if asyncio.isfuture(fs) or iscoroutine(fs):
        raise TypeError(f"expect a list of futures, not {type(fs).__name__}")
    futures = _futures_of(fs, loop)
    if not futures:
        raise ValueError("Set of coroutines/Futures is empty.")
    done, pending = yield from asyncio.wait(futures, timeout=timeout, return_when=return_when)
    return done, pending


@mark
@types.coroutine
def wait_for(fut: Any, timeout: float | None, loop: Any = None) -> Generator[Any, Any, Any]:
    """Return the result of ``fut``; after ``timeout`` seconds cancel it and raise ``asyncio.TimeoutError``.

    A coroutine of any time becomes a Task, as it did until Python 3.11.
    """
    return (yield from asyncio.wait_for(ensure_future(fut, loop=loop), timeout))


def as_completed(fs: Iterable[Any], loop: Any = None, timeout: float | None = None) -> Iterator[Any]:
    """Yield coroutines to wait for, one by one, in the order in which ``fs`` (Futures, coroutines) will be done."""
    if asyncio.isfuture(fs) or iscoroutine(fs):
        raise TypeError(f"expect a list of futures, not {type(fs).__name__}")
    return iter(asyncio.as_completed(_futures_of(fs, loop), timeout=timeout))
