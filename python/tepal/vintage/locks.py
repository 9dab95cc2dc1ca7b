"""Lock, Event, Condition and Semaphore with ``with (yield from lock):`` and ``loop=``."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from typing import Any

from tepal.vintage.coroutines import generator_of
from tepal.vintage.policy import checked

__all__ = ("BoundedSemaphore", "Condition", "Event", "Lock", "Lockable", "Semaphore", "bind")


def bind(primitive: Any, loop: Any) -> None:
    """Bind a lock or a queue to ``loop``, if one was given; else it binds itself when it is first used."""
    if loop is not None:
        primitive._loop = checked(loop)


class _Held:
    """What ``yield from lock`` gives: holds the lock until the ``with`` statement ends."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        pass  # acquired already

    def __exit__(self, *_: object) -> None:
        lock, self._lock = self._lock, None
        lock.release()


class Lockable:
    """``with (yield from lock):``, and ``with await lock:`` of Python 3.5 and 3.6."""

    acquire: Any

    @types.coroutine
    def __iter__(self) -> Generator[Any, Any, _Held]:
        yield from self.acquire()
        return _Held(self)

    def __await__(self) -> Generator[Any, Any, _Held]:
        yield from self.acquire()
        return _Held(self)

    def __enter__(self) -> None:
        raise RuntimeError('"yield from" should be used as context manager expression')

    def __exit__(self, *_: object) -> None:
        """Never comes to pass, but ``with`` looks for it first."""


class Lock(Lockable, asyncio.Lock):
    """``asyncio.Lock`` of Python 3.4."""

    def __init__(self, loop: Any = None) -> None:
        super().__init__()
        bind(self, loop)

    acquire = generator_of(asyncio.Lock.acquire)


class Event(asyncio.Event):
    """``asyncio.Event`` of Python 3.4."""

    def __init__(self, loop: Any = None) -> None:
        super().__init__()
        bind(self, loop)

    wait = generator_of(asyncio.Event.wait)


class Condition(Lockable, asyncio.Condition):
    """``asyncio.Condition`` of Python 3.4; ``acquire`` and ``release`` are its lock's."""

    def __init__(self, lock: asyncio.Lock | None = None, loop: Any = None) -> None:
        super().__init__(Lock(loop=loop) if lock is None else lock)
        bind(self, loop)

    wait = generator_of(asyncio.Condition.wait)
    wait_for = generator_of(asyncio.Condition.wait_for)


class Semaphore(Lockable, asyncio.Semaphore):
    """``asyncio.Semaphore`` of Python 3.4."""

    def __init__(self, value: int = 1, loop: Any = None) -> None:
        super().__init__(value)
        bind(self, loop)

    acquire = generator_of(asyncio.Semaphore.acquire)


class BoundedSemaphore(Lockable, asyncio.BoundedSemaphore):
    """``asyncio.BoundedSemaphore`` of Python 3.4."""

    def __init__(self, value: int = 1, loop: Any = None) -> None:
        super().__init__(value)
        bind(self, loop)

    acquire = generator_of(asyncio.BoundedSemaphore.acquire)
