"""Trollius, the asyncio of Python 2 and 3.3: ``yield From(...)`` and ``raise Return(...)``.

``import tepal.vintage.trollius as trollius`` needs no translation, so any program may have it; under
``tepal run --vintage`` it is what ``import trollius`` gives. All other names are those of ``tepal.vintage.asyncio``.

A coroutine is a generator that *yields* what it waits for. As in Trollius, a coroutine that is yielded becomes a Task
of its own, a lock is acquired, ``None`` lets others run for one turn, and the value is sent back.
"""

from __future__ import annotations

import asyncio as modern
import inspect
import sys
import time
import types
from asyncio.log import logger
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from tepal.vintage import asyncio as vintage
from tepal.vintage import coroutines as _coroutines
from tepal.vintage import policy as _policy
from tepal.vintage.asyncio import OURS, make_modules
from tepal.vintage.event_loop import EventLoop as _AsyncioEventLoop
from tepal.vintage.locks import Lockable
from tepal.vintage.tasks import ensure_future

BACKPORTED_ERRORS = (
    BlockingIOError,
    BrokenPipeError,
    ChildProcessError,
    ConnectionAbortedError,
    ConnectionRefusedError,
    ConnectionResetError,
    FileNotFoundError,
    InterruptedError,
    PermissionError,
    ProcessLookupError,
)
"""The exceptions of Python 3.3 that Trollius had under its own name for Python 2."""


class Return(Exception):
    """``raise Return(value)`` ends a coroutine with a value; without one: ``None``, with several: a tuple."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.value = None if not args else args[0] if len(args) == 1 else args
        self.raised = False

    def __del__(self) -> None:
        if not self.raised:
            logger.error("Return(%r) used without raise", self.value)


def From(obj: Any) -> Any:
    """Return ``obj`` itself: ``yield From(obj)`` is what ``yield from obj`` is in asyncio."""
    return obj


def coroutine(func: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``func`` a coroutine function: ``trollius.coroutine``; raises ``TypeError`` if it is not callable."""
    if not callable(func):
        raise TypeError(f"a function was expected, got {func!r}")
    if inspect.iscoroutinefunction(func):
        return func
    made = _coroutines.presented(_COROUTINE, func, Return=Return, drive=drive, answer=_answer, iswaitable=_is_waitable)
    return _coroutines.observed(_coroutines.mark(made))


_COROUTINE = _coroutines.template(
    """
def call(*args, **kwargs):
    try:
        result = func(*args, **kwargs)
    except Return as returned:
        returned.raised = True
        return returned.value
    if iswaitable(result):
        result = yield from (drive(result) if hasattr(result, "gi_frame") else answer(result))
    return result
"""
)


_UNDECORATED = _coroutines.template("def call(): return (yield from drive(func))")


def _as_coroutine(generator: Generator[Any, Any, Any]) -> Any:
    """Return the coroutine that drives a generator of nobody's, and looks like it."""
    return _coroutines.presented(_UNDECORATED, generator, drive=drive)()


def _is_waitable(obj: object) -> bool:
    return modern.isfuture(obj) or _coroutines.iscoroutine(obj) or isinstance(obj, Awaitable)


@types.coroutine
def drive(generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator that yields what it waits for; return what it returns, by ``return`` or ``raise Return``."""
    value: Any = None
    error: BaseException | None = None
    try:
        while True:
            try:
                yielded = generator.send(value) if error is None else generator.throw(error)
            except StopIteration as stop:
                return stop.value
            except Return as returned:
                returned.raised = True
                return returned.value
            value = error = None
            try:
                value = yield from _answer(yielded)
            except GeneratorExit:
                raise
            except BaseException as problem:
                error = problem
    finally:
        error = None  # whose traceback refers to this frame
        generator.close()


@types.coroutine
def _answer(yielded: Any) -> Generator[Any, Any, Any]:
    """Wait for what a generator has yielded; return what is to be sent back."""
    if yielded is None:
        yield
        return None
    if modern.isfuture(yielded):
        if yielded._asyncio_future_blocking:
            yield yielded  # by a `yield from` further down, which takes the result itself
            return None
        return (yield from yielded)
    if isinstance(yielded, Lockable):
        return (yield from yielded)
    if _is_waitable(yielded):
        return (yield from ensure_future(yielded, loop=modern.get_running_loop()))
    raise RuntimeError(f"Task got bad yield: {yielded!r}")


class EventLoop(_AsyncioEventLoop):
    """The loop of a program with Trollius in it: generators that nobody has marked yield what they wait for."""

    def create_task(self, coro: Any, **options: Any) -> Any:
        """Return a Task for a coroutine of any time."""
        return super().create_task(_coroutines.drivable(coro, self), **options)


_coroutines.set_yield_style(_as_coroutine)
_policy.Policy._loop_factory = EventLoop

time_monotonic = time.monotonic
"""Seconds of a clock that only goes forward; Python 2 had none."""


class _Executor(types.ModuleType):
    @staticmethod
    def get_default_executor() -> Any:
        """Return a new thread pool."""
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

        return ThreadPoolExecutor(max_workers=5)


__path__: list[str] = []
_NAMES: dict[str, Any] = {
    **OURS,
    "From": From,
    "Return": Return,
    "SelectorEventLoop": EventLoop,
    "coroutine": coroutine,
    **{error.__name__: error for error in BACKPORTED_ERRORS},
}
globals().update(_NAMES)
globals().update(make_modules(__name__, _NAMES))
py33_exceptions = sys.modules[f"{__name__}.py33_exceptions"] = types.ModuleType(f"{__name__}.py33_exceptions")
vars(py33_exceptions).update({error.__name__: error for error in BACKPORTED_ERRORS})
executor = sys.modules[f"{__name__}.executor"] = _Executor(f"{__name__}.executor")
NAMES = sorted({*_NAMES, *vintage.NAMES})
"""What ``from trollius import *`` gives."""

globals()["__all__"] = NAMES  # type checkers cannot follow


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return vintage.lookup(name, modern, _NAMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *NAMES})
