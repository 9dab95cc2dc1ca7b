"""Queues with ``loop=``; ``JoinableQueue`` was a class of its own until Python 3.4.3, and every queue is one since."""

from __future__ import annotations

import asyncio
from typing import Any

from tepal.vintage.coroutines import generator_of
from tepal.vintage.locks import bind

__all__ = ("JoinableQueue", "LifoQueue", "PriorityQueue", "Queue")


class Queue(asyncio.Queue[Any]):
    """``asyncio.Queue`` of Python 3.4."""

    def __init__(self, maxsize: int = 0, loop: Any = None) -> None:
        super().__init__(maxsize)
        bind(self, loop)

    get = generator_of(asyncio.Queue.get)
    put = generator_of(asyncio.Queue.put)
    join = generator_of(asyncio.Queue.join)


class PriorityQueue(Queue, asyncio.PriorityQueue[Any]):
    """``asyncio.PriorityQueue`` of Python 3.4: the smallest comes first."""


class LifoQueue(Queue, asyncio.LifoQueue[Any]):
    """``asyncio.LifoQueue`` of Python 3.4: the last comes first."""


JoinableQueue = Queue
