"""Runs a loop by single turns, so that a test can look at it between two of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def run_ready(loop: asyncio.AbstractEventLoop) -> None:
    """Run one turn: what is ready now, not what that schedules."""
    loop.call_soon(loop.stop)
    loop.run_forever()


def run_turns(loop: asyncio.AbstractEventLoop, count: int) -> None:
    """Run ``count`` turns."""
    for _ in range(count):
        run_ready(loop)


async def yield_turns(count: int) -> None:
    """Let ``count`` turns of the running loop pass."""
    for _ in range(count):
        await asyncio.sleep(0)


def run_until(loop: asyncio.AbstractEventLoop, condition: Callable[[], bool], *, limit: float = 5.0) -> None:
    """Run turns until ``condition()`` holds; fail after ``limit`` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        loop.call_later(0.001, loop.stop)
        loop.run_forever()
