"""asyncio as it was from Python 3.4 to 3.6, on top of the one at hand.

Under ``tepal run --vintage`` this is what ``import asyncio`` gives the program. Any other program may ask for it::

    from tepal.vintage import asyncio

    @asyncio.coroutine
    def main():
        yield from asyncio.sleep(1)

    asyncio.get_event_loop().run_until_complete(main())

What is not named here is the real asyncio's. ``asyncio.async`` is there, too, for those who can name it.
"""

from __future__ import annotations

import asyncio
import dis
import importlib
import selectors
import sys
import types
from typing import Any

from tepal.vintage.coroutines import coroutine, iscoroutine, iscoroutinefunction
from tepal.vintage.event_loop import EventLoop
from tepal.vintage.locks import BoundedSemaphore, Condition, Event, Lock, Semaphore
from tepal.vintage.policy import (
    Policy,
    get_event_loop,
    get_event_loop_policy,
    new_event_loop,
    set_event_loop,
    set_event_loop_policy,
)
from tepal.vintage.queues import JoinableQueue, LifoQueue, PriorityQueue, Queue
from tepal.vintage.refusal import RefusedAttributeError, RefusedImportError, place_of
from tepal.vintage.streams import (
    StreamReader,
    StreamReaderProtocol,
    open_connection,
    open_unix_connection,
    start_server,
    start_unix_server,
)
from tepal.vintage.subprocesses import create_subprocess_exec, create_subprocess_shell
from tepal.vintage.tasks import (
    Future,
    Task,
    as_completed,
    create_task,
    ensure_future,
    gather,
    run,
    run_coroutine_threadsafe,
    shield,
    sleep,
    wait,
    wait_for,
    wrap_future,
)

OURS: dict[str, Any] = {
    "BoundedSemaphore": BoundedSemaphore,
    "Condition": Condition,
    "DefaultEventLoopPolicy": Policy,
    "Event": Event,
    "Future": Future,
    "JoinableQueue": JoinableQueue,
    "LifoQueue": LifoQueue,
    "Lock": Lock,
    "PriorityQueue": PriorityQueue,
    "Queue": Queue,
    "SelectorEventLoop": EventLoop,
    "Semaphore": Semaphore,
    "StreamReader": StreamReader,
    "StreamReaderProtocol": StreamReaderProtocol,
    "Task": Task,
    "as_completed": as_completed,
    "async": ensure_future,
    "coroutine": coroutine,
    "create_subprocess_exec": create_subprocess_exec,
    "create_subprocess_shell": create_subprocess_shell,
    "create_task": create_task,
    "ensure_future": ensure_future,
    "gather": gather,
    "get_event_loop": get_event_loop,
    "get_event_loop_policy": get_event_loop_policy,
    "iscoroutine": iscoroutine,
    "iscoroutinefunction": iscoroutinefunction,
    "new_event_loop": new_event_loop,
    "open_connection": open_connection,
    "open_unix_connection": open_unix_connection,
    "run": run,
    "run_coroutine_threadsafe": run_coroutine_threadsafe,
    "selectors": selectors,
    "set_event_loop": set_event_loop,
    "set_event_loop_policy": set_event_loop_policy,
    "shield": shield,
    "sleep": sleep,
    "start_server": start_server,
    "start_unix_server": start_unix_server,
    "wait": wait,
    "wait_for": wait_for,
    "wrap_future": wrap_future,
}
"""What differs from the asyncio at hand, by the name that programs use."""

MODULES = (
    "base_events",
    "base_subprocess",
    "constants",
    "coroutines",
    "events",
    "futures",
    "locks",
    "log",
    "proactor_events",
    "protocols",
    "queues",
    "selector_events",
    "sslproto",
    "streams",
    "subprocess",
    "tasks",
    "transports",
    "unix_events",
)
"""The modules of asyncio that a program may import by name."""

_WATCHERS = "child watchers are gone since Python 3.14, which needs none: leave it out"
_REMOVED = {
    "AbstractChildWatcher": _WATCHERS,
    "FastChildWatcher": _WATCHERS,
    "MultiLoopChildWatcher": _WATCHERS,
    "PidfdChildWatcher": _WATCHERS,
    "SafeChildWatcher": _WATCHERS,
    "ThreadedChildWatcher": _WATCHERS,
    "get_child_watcher": _WATCHERS,
    "set_child_watcher": _WATCHERS,
    "test_utils": "asyncio.test_utils was asyncio's own and is gone since Python 3.7",
    "compat": "asyncio.compat was asyncio's own and is gone since Python 3.7",
}

_IMPORT_FROM = dis.opmap["IMPORT_FROM"]


def lookup(name: str, real: types.ModuleType, ours: dict[str, Any]) -> Any:
    """Return the attribute ``name`` of the vintage twin of the module ``real``, where ``ours`` stand in for its own.

    Raises ``AttributeError`` if there is none; ``RefusedAttributeError``, or from an import statement
    ``RefusedImportError``, if there was one once.
    """
    if name in ours:
        return ours[name]
    for module in (real, asyncio):  # in 3.4 asyncio.futures had CancelledError, asyncio.tasks had Future ...
        if hasattr(module, name):
            return getattr(module, name)
    if name not in _REMOVED:
        raise AttributeError(f"module {real.__name__!r} has no attribute {name!r}", name=name)
    frame = sys._getframe(2)
    importing = frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == _IMPORT_FROM
    kind = RefusedImportError if importing else RefusedAttributeError
    raise kind(_REMOVED[name], name, *place_of(frame))


class VintageModule(types.ModuleType):
    """The vintage twin of one of asyncio's modules, such as ``asyncio.tasks``."""

    def __init__(self, name: str, real: types.ModuleType, ours: dict[str, Any]) -> None:
        super().__init__(name, real.__doc__)
        self._real = real
        self._ours = ours
        self.__all__ = [each for each in getattr(real, "__all__", ()) if hasattr(self, each)]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lookup(name, self._real, self._ours)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._real), *self._ours})


def make_modules(package: str, ours: dict[str, Any]) -> dict[str, types.ModuleType]:
    """Make the vintage twins of asyncio's modules, importable below ``package``; return them by their short names."""
    made: dict[str, types.ModuleType] = {}
    for name in MODULES:
        real = importlib.import_module(f"asyncio.{name}")
        made[name] = sys.modules[f"{package}.{name}"] = VintageModule(f"{package}.{name}", real, ours)
    return made


__path__: list[str] = []  # a package, whose modules are all there already
globals().update(OURS)
globals().update(make_modules(__name__, OURS))
NAMES = sorted({*OURS, *(name for name in asyncio.__all__ if name in vars(asyncio))})
"""What ``from asyncio import *`` gives."""

globals()["__all__"] = NAMES  # type checkers cannot follow


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return lookup(name, asyncio, OURS)


def __dir__() -> list[str]:
    return sorted({*globals(), *NAMES})
