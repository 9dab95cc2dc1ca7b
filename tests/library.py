"""The two libraries whose behaviour the suite compares: stock asyncio and tepal.

A test receives a ``Library`` and takes every class and function under test from
it, so that one body runs on both.  Stock asyncio is the oracle: a test that it
fails is wrong, and a test that only tepal fails has found a difference.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

NAMES = tuple(os.environ.get("TEPAL_TEST_LIBRARIES", "asyncio tepal").split())
"""The libraries that each test of both runs on."""


@dataclass(frozen=True)
class Library:
    """What a test may take from the library under test.

    ``eager_task_factory`` is ``None`` on Python 3.11, which has no eager start.
    """

    name: str
    EventLoop: type
    new_event_loop: Callable[[], asyncio.AbstractEventLoop]
    Task: type
    Future: type
    Handle: type
    TimerHandle: type
    eager_task_factory: Callable[..., Any] | None
    run: Callable[..., Any]

    @property
    def is_tepal(self) -> bool:
        return self.name == "tepal"


def load(name: str) -> Library:
    """Return the library called ``name``; raises ``ImportError`` when it is missing."""
    if name == "asyncio":
        return Library(
            name="asyncio",
            EventLoop=asyncio.SelectorEventLoop,
            new_event_loop=asyncio.SelectorEventLoop,
            Task=asyncio.Task,
            Future=asyncio.Future,
            Handle=asyncio.Handle,
            TimerHandle=asyncio.TimerHandle,
            eager_task_factory=getattr(asyncio, "eager_task_factory", None),
            run=run_on_asyncio,
        )
    if name != "tepal":
        raise ValueError(f"no library is called {name!r}")
    tepal = importlib.import_module("tepal")
    return Library(
        name="tepal",
        EventLoop=tepal.EventLoop,
        new_event_loop=tepal.new_event_loop,
        Task=tepal.Task,
        Future=tepal.Future,
        Handle=tepal.Handle,
        TimerHandle=tepal.TimerHandle,
        eager_task_factory=tepal.eager_task_factory if sys.version_info >= (3, 12) else None,
        run=tepal.run,
    )


def run_on_asyncio(
    main: Coroutine[Any, Any, Any],
    *,
    debug: bool | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Any:
    """``asyncio.run`` with the signature of 3.12, on 3.11 as well."""
    with asyncio.Runner(debug=debug, loop_factory=loop_factory) as runner:
        return runner.run(main)
