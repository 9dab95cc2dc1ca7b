"""Making an event loop and running one coroutine on it: ``new_event_loop()`` and ``run()``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tepal.event_loop import EventLoop

_T = TypeVar("_T")


def new_event_loop() -> EventLoop:
    """Return a new, unstarted ``tepal.EventLoop``.

    It is meant as the ``loop_factory`` of ``asyncio.run()`` (3.12) and ``asyncio.Runner`` (3.11), and of every
    framework that asks for one. Whoever calls it owns the loop and must close it.
    """
    return EventLoop()


def run(
    main: Coroutine[Any, Any, _T],
    *,
    debug: bool | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> _T:
    """Run ``main`` on a new tepal loop and return its result, as ``asyncio.run()`` does on asyncio's own.

    ``debug`` switches asyncio's debug mode on or off; ``None`` leaves it to ``PYTHONASYNCIODEBUG`` and ``-X dev``.
    ``loop_factory`` is called without arguments instead of ``tepal.new_event_loop``; it is there for subclasses of
    ``tepal.EventLoop``.

    The rest is ``asyncio.Runner``'s: remaining tasks are cancelled, asynchronous generators and the default executor
    are shut down, Ctrl-C cancels ``main`` and raises ``KeyboardInterrupt``, and the loop is closed.

    Raises ``RuntimeError`` if an event loop runs in this thread already, what the Python at hand raises if ``main``
    is no coroutine (``ValueError`` until 3.13; from 3.14 on any awaitable will do and else it is ``TypeError``), and
    whatever ``main`` raises.

    Difference from ``asyncio.run()``: the ``loop_factory`` argument also exists on Python 3.11.
    """
    if asyncio._get_running_loop() is not None:
        # As asyncio.run() does: fail before a loop is made, with a short traceback.
        raise RuntimeError("tepal.run() cannot be called from a running event loop")
    with asyncio.Runner(debug=debug, loop_factory=loop_factory or new_event_loop) as runner:
        return runner.run(main)
