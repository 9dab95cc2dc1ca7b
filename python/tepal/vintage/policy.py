"""The event loop policy of vintage programs, which had one on every Python, and the functions that ask it."""

from __future__ import annotations

import asyncio
import sys
import threading
from asyncio import events
from typing import Any

from tepal.policy import EventLoopPolicy, set_policy
from tepal.vintage.event_loop import EventLoop
from tepal.vintage.refusal import RefusedAttributeError, place_of

__all__ = (
    "Policy",
    "checked",
    "get_event_loop",
    "get_event_loop_policy",
    "new_event_loop",
    "set_event_loop",
    "set_event_loop_policy",
)


class Policy(EventLoopPolicy):
    """asyncio's policy of Python 3.4: ``get_event_loop()`` makes the main thread's loop, without a warning."""

    _loop_factory: Any = EventLoop

    def __init__(self) -> None:
        super().__init__()
        self._chosen = threading.local()

    def get_event_loop(self) -> Any:
        """Return the loop of this thread; make it if this is the main thread and none was ever set.

        Raises ``RuntimeError`` in other threads without a loop, and after ``set_event_loop(None)``.
        """
        loop = self._local._loop  # type: ignore[attr-defined]
        if loop is None:
            here = threading.current_thread()
            if hasattr(self._chosen, "set") or here is not threading.main_thread():
                raise RuntimeError(f"There is no current event loop in thread {here.name!r}.")
            loop = self.new_event_loop()
            self.set_event_loop(loop)
        return loop

    def set_event_loop(self, loop: Any) -> None:
        """Make ``loop`` the loop of this thread; ``None`` takes it away for good."""
        self._chosen.set = True
        super().set_event_loop(loop)

    if sys.version_info >= (3, 14):

        def __getattr__(self, name: str) -> Any:
            if name in ("get_child_watcher", "set_child_watcher"):
                raise RefusedAttributeError(
                    "child watchers are gone since Python 3.14, which needs none: leave it out",
                    name,
                    *place_of(sys._getframe(1)),
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


_policy: Any = None


def get_event_loop_policy() -> Any:
    """Return the policy of vintage programs, which is the whole process's under ``tepal run --vintage``."""
    global _policy
    if _policy is None:
        _policy = Policy()
    return _policy


def set_event_loop_policy(policy: Any) -> None:
    """Make ``policy`` the process's event loop policy; ``None``: a new one of ours."""
    global _policy
    _policy = Policy() if policy is None else policy
    set_policy(_policy)


def new_event_loop() -> Any:
    """Return a new loop of the policy."""
    return get_event_loop_policy().new_event_loop()


def set_event_loop(loop: Any) -> None:
    """Make ``loop`` the current one of this thread."""
    get_event_loop_policy().set_event_loop(loop)


def get_event_loop() -> Any:
    """Return the loop that runs in this thread, else the thread's own one, made if it is the main thread's first."""
    running = events._get_running_loop()
    return get_event_loop_policy().get_event_loop() if running is None else running


def checked(loop: Any) -> Any:
    """Return the loop that an argument ``loop=`` stands for; ``TypeError`` if it is something else."""
    if loop is None:
        return get_event_loop()
    if not isinstance(loop, asyncio.AbstractEventLoop) and not hasattr(loop, "call_soon"):
        raise TypeError(f"an event loop was expected, got {loop!r}")
    return loop
