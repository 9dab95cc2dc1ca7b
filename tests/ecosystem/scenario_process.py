"""Runs one scenario on one loop and writes what came of it as JSON; started by run.py.

    python tests/ecosystem/scenario_process.py MODULE LIBRARY SCENARIO LOOP --services JSON --folder FOLDER
      --outcome FILE

The outcome is `{"observed": ..., "reports": [...], "descriptors": n}`, or `{"failed": traceback, "reason": line, ...}`:
what the scenario returned, the warnings and errors that asyncio logged in this process, and how many descriptors were
left open.
"""

import argparse
import faulthandler
import gc
import importlib
import inspect
import json
import logging
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from result import error_line
from scenario import registered
from stage import APPLICATIONS, Stage
from subject import SUBJECTS

# How long what was closed may take to be closed.
CLOSING_LIMIT = 2.0


class Reports(logging.Handler):
    """Keeps the first line of each warning and error of the logger `asyncio`."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().partition("\n")[0])


def open_descriptors() -> int:
    """Returns the number of this process's open descriptors."""
    return len(os.listdir("/proc/self/fd"))


def play(module: str, library: str, name: str, loop: str, folder: Path, services: dict[str, Any]) -> dict[str, Any]:
    """Runs the scenario in an empty folder and returns its outcome."""
    importlib.import_module(f"scenarios.{module}")
    function = next(one.function for one in registered() if (one.library, one.name) == (library, name))
    reports = Reports()
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("asyncio").addHandler(reports)
    sys.path.insert(0, str(APPLICATIONS))
    sys.unraisablehook = lambda report: reports.lines.append(f"unraisable: {report.exc_value!r}")
    outcome: dict[str, Any] = {}
    stage = Stage(SUBJECTS[loop], folder, services)
    before = open_descriptors()
    try:
        outcome["observed"] = (
            stage.loop.run(function(stage)) if inspect.iscoroutinefunction(function) else function(stage)
        )
    except BaseException as error:
        outcome |= {"failed": traceback.format_exc(), "reason": error_line(error)}
    finally:
        stage.end()
    gc.collect()
    # c-ares closes what it has opened in a thread of its own, a moment later.
    deadline = time.monotonic() + CLOSING_LIMIT
    while open_descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    outcome["descriptors"] = max(0, open_descriptors() - before)
    outcome["reports"] = reports.lines
    return outcome


def main() -> int:
    """Runs what the command line names; the status is 0 if an outcome, good or bad, was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module")
    parser.add_argument("library")
    parser.add_argument("scenario")
    parser.add_argument("loop", choices=tuple(SUBJECTS))
    parser.add_argument("--services", type=json.loads, default={})
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, required=True, help="empty, and not deep: a Unix socket's path is short")
    parser.add_argument("--outcome", type=Path, required=True)
    options = parser.parse_args()
    # Where it hangs shows in the log before run.py ends the process.
    faulthandler.dump_traceback_later(options.seconds * 0.95)
    names = (options.module, options.library, options.scenario, options.loop)
    outcome = play(*names, options.folder, options.services)
    options.outcome.write_text(json.dumps(outcome), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
