"""Records what a loop reports while a test runs.

A loop reports through its exception handler and through the ``asyncio`` logger.
Whatever a test did not ask for must make it fail, or a swallowed error would
pass as success.
"""

from __future__ import annotations

import logging
from typing import Any


class Reports(logging.Handler):
    """Contexts given to the exception handler and error records of the asyncio logger."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.contexts: list[dict[str, Any]] = []
        self.records: list[str] = []
        self.exceptions: list[BaseException | None] = []

    def record_context(self, loop: Any, context: dict[str, Any]) -> None:
        """Exception handler with asyncio's signature ``(loop, context)``."""
        self.contexts.append(context)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.records.append(record.getMessage())
            self.exceptions.append(record.exc_info[1] if record.exc_info else None)
        # pytest keeps every record for its report, and with it loops and frames.
        record.msg, record.args, record.exc_info = record.getMessage(), None, None

    def take(self) -> list[dict[str, Any]]:
        """Return the contexts so far and forget them: the test asked for these."""
        taken, self.contexts = self.contexts, []
        return taken

    def take_one(self) -> dict[str, Any]:
        """Return the only context so far."""
        taken = self.take()
        assert len(taken) == 1, f"one report was expected, got {taken!r}"
        return taken[0]

    def take_records(self) -> list[str]:
        """Return the messages of the error records so far and forget them."""
        taken, self.records, self.exceptions = self.records, [], []
        return taken

    def take_exceptions(self) -> list[BaseException | None]:
        """Return what the error records so far carried as exceptions; forget the records."""
        taken, self.records, self.exceptions = self.exceptions, [], []
        return taken

    def start(self) -> None:
        logging.getLogger("asyncio").addHandler(self)

    def finish(self) -> list[str]:
        """Stop recording; return a line for each report that nobody asked for."""
        logging.getLogger("asyncio").removeHandler(self)
        left = [f"exception handler: {context!r}" for context in self.contexts]
        left += [f"asyncio logger: {message}" for message in self.records]
        self.contexts, self.records, self.exceptions = [], [], []
        return left
