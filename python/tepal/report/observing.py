"""Which recording the loops of this process take part in: the one place where loops and reports meet.

A loop joins when it is made and leaves when it is closed. Without a recording both cost one look at a global name.
``TEPAL_REPORT``, read when the first loop is made, begins one for the whole process (see docs/report.md).
"""

from __future__ import annotations

import os
from typing import Any, Protocol

VARIABLE = "TEPAL_REPORT"
"""The environment variable that asks for a report: ``1`` for standard error, anything else is a file's name."""

KINDS_VARIABLE = "TEPAL_REPORT_KINDS"
"""The kinds that such a report looks for, separated by commas; the default kinds if it is not set."""

LEVEL_VARIABLE = "TEPAL_OBSERVE"
"""``off`` switches the counters off that every loop keeps."""


class Observer(Protocol):
    """What a recording is to a loop."""

    def join(self, loop: Any) -> None:
        """A loop was made."""

    def runs(self, loop: Any) -> None:
        """``run_forever()`` begins, in the thread that calls."""

    def rested(self, loop: Any) -> None:
        """``run_forever()`` has ended."""

    def leave(self, loop: Any) -> None:
        """A loop is about to be closed."""


current: Observer | None = None
"""The recording that new loops join."""

_asked = False


def join(loop: Any) -> Observer | None:
    """Let a new loop join the recording, if there is one; return it."""
    global _asked
    if not _asked:
        _asked = True
        _look_at_environment()
    if os.environ.get(LEVEL_VARIABLE) == "off":
        loop._record(0, 0, 0, None, None)
    if current is not None:
        current.join(loop)
    return current


def _look_at_environment() -> None:
    wanted = os.environ.get(VARIABLE, "")
    if current is None and wanted not in ("", "0"):
        from tepal.report import program  # noqa: PLC0415  (only where a report is asked)

        program.begin_for_process("-" if wanted == "1" else wanted)
