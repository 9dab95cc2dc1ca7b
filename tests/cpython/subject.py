"""The classes under test, and how they take asyncio's places before CPython's tests are imported.

CPython's tests reach the loop by three doors: `asyncio.new_event_loop()` (through the policy class),
`asyncio.SelectorEventLoop(...)` or `asyncio.EventLoop(...)`, and `Runner`. They reach Task and Future as
`asyncio.Task`, `asyncio.tasks._CTask` and the like, mostly in class bodies. So `Subject.install` has to run before any
module of `test.test_asyncio` is imported, in a process of its own.
"""

import asyncio
import importlib
import sys
from asyncio import base_events, futures, tasks, unix_events
from dataclasses import dataclass
from typing import Any

MODES = {
    "plain": "the loop under test as a program gets it: its own Tasks from `create_task`, C ones from `asyncio.Task`",
    "loop": "the loop under test under asyncio's own Tasks and Futures, C and pure Python",
    "task": "Task and Future under test in asyncio's names, on asyncio's own loop",
    "both": "loop, Task and Future under test together",
    "pairs": "CPython's test mixins against every pair of classes under test with asyncio's own",
}
MODES_WITH_LOOP = frozenset({"plain", "loop", "both"})
MODES_WITH_TASK = frozenset({"task", "both"})


def load(name: str) -> Any:
    """Imports the object that `name`, written `module:attribute`, stands for. Raises ImportError or AttributeError."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


class LoopDoor(type):
    """Metaclass of a stand-in for `asyncio.SelectorEventLoop`: calling the stand-in makes a loop of the class under
    test.

    A subclass of the class under test would do as well, but then every test would run a subclass, and a loop that
    treats its exact class specially would never be tested as users run it. A selector argument, which some tests pass,
    is closed: the loop under test brings its own way to wait.
    """

    target: type
    made: int

    def __call__(cls, selector: Any = None) -> Any:
        cls.made += 1
        if selector is not None:
            selector.close()
        return cls.target()

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.target)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.target, name)


def loop_with_asyncio_tasks(loop_class: type) -> type:
    """Returns a subclass with `BaseEventLoop`'s `create_task` and `create_future`, which make `tasks.Task`."""

    class LoopWithAsyncioTasks(loop_class):  # type: ignore[misc, valid-type]
        create_task = base_events.BaseEventLoop.create_task
        create_future = base_events.BaseEventLoop.create_future

    LoopWithAsyncioTasks.__name__ = LoopWithAsyncioTasks.__qualname__ = loop_class.__name__
    return LoopWithAsyncioTasks


@dataclass(frozen=True)
class Subject:
    """Names, `module:attribute`, of the five classes under test."""

    loop: str = "tepal:EventLoop"
    task: str = "tepal:Task"
    future: str = "tepal:Future"
    handle: str = "tepal:Handle"
    timer_handle: str = "tepal:TimerHandle"

    def install(self, mode: str) -> type | None:
        """Puts the classes that `mode` is about into asyncio's places.

        Returns the stand-in for the loop class, whose `made` counts the loops made through it, or None in mode `task`.
        Call it once per process, before any module of `test.test_asyncio` is imported.
        """
        if "test.test_asyncio" in sys.modules:
            raise RuntimeError("the classes must be installed before test.test_asyncio is imported")
        global _installed
        _installed = self
        door = None
        if mode in MODES_WITH_LOOP or mode == "pairs":
            loop_class = load(self.loop)
            if mode == "loop":
                loop_class = loop_with_asyncio_tasks(loop_class)
            door = install_loop(loop_class)
        if mode in MODES_WITH_TASK:
            install_task_and_future(load(self.task), load(self.future))
        if mode != "loop":
            install_call_graph(load(self.loop))
        return door


_installed: Subject | None = None


def under_test(role: str) -> Any:
    """Returns the class under test of a role (`loop`, `task`, `future`, `handle`, `timer_handle`), for the modules in
    pairs/.

    Raises RuntimeError outside of a process in which `Subject.install` ran.
    """
    if _installed is None:
        raise RuntimeError("these tests run through run.py")
    return load(getattr(_installed, role))


def install_loop(loop_class: type) -> LoopDoor:
    """Makes asyncio's loop names, and the policy that `new_event_loop` asks, give loops of `loop_class`."""
    door = LoopDoor("SelectorEventLoop", (), {"target": loop_class, "made": 0})
    for module in (asyncio, unix_events):
        for name in ("SelectorEventLoop", "EventLoop"):
            if hasattr(module, name):
                setattr(module, name, door)
    # The class, not the current policy object: each test module's tearDownModule throws the object away.
    unix_events._UnixDefaultEventLoopPolicy._loop_factory = door  # type: ignore[attr-defined]
    return door


def install_task_and_future(task_class: type, future_class: type) -> None:
    """Makes asyncio's names of the C Task and the C Future, and what is built from them, mean the given classes."""
    asyncio.Future = futures.Future = futures._CFuture = future_class  # type: ignore[misc, attr-defined]
    asyncio.Task = tasks.Task = tasks._CTask = task_class  # type: ignore[misc, attr-defined]
    if hasattr(tasks, "create_eager_task_factory"):
        tasks.eager_task_factory = asyncio.eager_task_factory = tasks.create_eager_task_factory(task_class)


def install_call_graph(loop_class: type) -> None:
    """Lets test_graph's C class use the package's own `future_add_to_awaited_by` and its opposite (3.14 and later).

    The C functions record an edge only between two C objects; a package with Tasks of its own replaces the public
    functions, at the latest when its first loop is made. test_graph puts the C ones back by their private names, so
    those have to follow.
    """
    if not hasattr(futures, "_c_future_add_to_awaited_by"):
        return
    loop_class().close()
    for name in ("future_add_to_awaited_by", "future_discard_from_awaited_by"):
        setattr(futures, f"_c_{name}", getattr(futures, name))
