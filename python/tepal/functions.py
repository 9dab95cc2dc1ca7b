"""asyncio's functions that are called per Task, in Rust.

``asyncio.create_task``, ``ensure_future``, ``gather``, two methods of ``TaskGroup`` and the generator inside of
``sleep(0)`` are Python code, which on a tepal loop costs more than the Tasks themselves. From the first tepal loop on,
native functions stand in their places, as CPython itself puts C functions in the place of ``asyncio.current_task`` and
others. ``open_connection()`` and its twin are wrapped, so that they give a native ``StreamWriter``. They do the same:
what they do not know, and every call without a running tepal loop, goes to CPython's own function.

The environment variable ``TEPAL_FUNCTIONS=asyncio`` leaves CPython's in place.
"""

import asyncio
import functools
import os
import types
from asyncio import streams, taskgroups, tasks
from typing import Any

from tepal import _native

__all__ = ("install",)

_installed = False


def _is_cpythons(function: object, module: types.ModuleType) -> bool:
    """Whether nobody (an instrumentation, a test) has replaced it."""
    return isinstance(function, types.FunctionType) and function.__code__.co_filename == module.__file__


def _with_native_writer(original: Any) -> Any:
    """``open_connection`` or its twin, whose writer on a tepal loop has a native ``write`` and ``drain``."""

    @functools.wraps(original)
    async def opening(*args: Any, **kwds: Any) -> Any:
        reader, writer = await original(*args, **kwds)
        return reader, _native.native_writer(writer)

    return opening


def _install() -> None:
    for native in (_native.create_task, _native.ensure_future, _native.gather, _native.sleep_zero):
        name = native.__name__
        original = getattr(tasks, name, None)
        if not _is_cpythons(original, tasks):
            continue
        setattr(tasks, name, native)
        if getattr(asyncio, name, None) is original:
            setattr(asyncio, name, native)
    for name in ("open_connection", "open_unix_connection"):
        original = getattr(streams, name, None)
        if _is_cpythons(original, streams):
            opening = _with_native_writer(original)
            setattr(streams, name, opening)
            if getattr(asyncio, name, None) is original:
                setattr(asyncio, name, opening)
    group = asyncio.TaskGroup
    if all(_is_cpythons(method, taskgroups) for method in (group.create_task, group._on_task_done)):
        _native.install_task_group()


def install() -> None:
    """Do so once, when the first loop is made (importing tepal changes nothing)."""
    global _installed
    if not _installed:
        _installed = True
        if os.environ.get("TEPAL_FUNCTIONS") != "asyncio":
            _install()
