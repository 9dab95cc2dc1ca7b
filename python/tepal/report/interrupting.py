"""Ctrl-C: the moment at which a program that hangs shows what it hangs on.

``asyncio.Runner`` (``Lib/asyncio/runners.py``) answers it by cancelling the main Task, and when the loop stops because
of that nothing is left that could be looked at. So a recording is told before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Interruptions:
    """The first Ctrl-C of each run of a Runner, between ``begin()`` and ``end()``."""

    def __init__(self, tell: Callable[[Any], None]) -> None:
        """``tell`` is called with the main Task, before it is cancelled."""
        self._tell = tell
        self._own: Any = None
        self._theirs: Any = None

    def begin(self) -> None:
        """Listen, if this Python's Runner works that way."""
        runner: Any = asyncio.Runner
        theirs = getattr(runner, "_on_sigint", None)
        if theirs is None:
            return

        def on_sigint(this: Any, signum: int, frame: Any, main_task: Any) -> None:
            if not main_task.done() and not main_task.cancelling():
                self._tell(main_task)
            theirs(this, signum, frame, main_task)

        self._own, self._theirs = on_sigint, theirs
        runner._on_sigint = on_sigint

    def end(self) -> None:
        """Listen no longer."""
        runner: Any = asyncio.Runner
        if self._own is not None and runner._on_sigint is self._own:
            runner._on_sigint = self._theirs
