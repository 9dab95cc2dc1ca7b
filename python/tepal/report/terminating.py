"""SIGTERM: what ``kill``, ``timeout`` and supervisors end a program with, which leaves a process no time for a report.

A program that leaves the signal alone is killed by it. Then the report is written first, and the process is killed as
it would have been without one. A handler of the program's own, or of its server's, takes the place of this one.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Collection

PATIENCE = 1.0
"""Seconds in which a second SIGTERM belongs to the first, as ``timeout`` sends it twice; a later one kills at once."""


class Termination:
    """The first SIGTERM between ``begin()`` and ``end()``, if the program leaves it alone."""

    def __init__(self, write: Callable[[], object]) -> None:
        """``write`` is called in the main thread, between any two instructions of the program."""
        self._write = write
        self._listens = False
        self._heard: float | None = None
        self._mask: Collection[int] | None = None

    def begin(self) -> None:
        """Listen, if nobody does and this is the main thread; a process that is forked does not."""
        try:
            if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                signal.signal(signal.SIGTERM, self._terminate)
                self._listens = True
        except ValueError:
            return
        if self._listens:
            os.register_at_fork(before=self._hold, after_in_parent=self._release, after_in_child=self._leave)

    def end(self) -> None:
        """Listen no longer."""
        try:
            if self._listens and signal.getsignal(signal.SIGTERM) == self._terminate:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
        except ValueError:
            return  # another thread, in which the handler can stay: the process ends
        self._listens = False

    def _hold(self) -> None:
        """Before a fork: a signal that the child got while it still has this handler would be lost (signalmodule.c)."""
        if self._listens:
            self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def _release(self) -> None:
        if self._mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            self._mask = None

    def _leave(self) -> None:
        self.end()
        self._release()

    def _terminate(self, *_: object) -> None:
        if self._heard is not None:
            if time.monotonic() - self._heard > PATIENCE:
                self._kill()
            return
        self._heard = time.monotonic()
        try:
            self._write()
        except BaseException:
            sys.excepthook(*sys.exc_info())  # the process does not live to say it
            raise
        finally:
            self._kill()

    def _kill(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
