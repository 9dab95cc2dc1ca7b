"""A plugin of pytest: a report on the whole test session.

``--tepal-report`` runs the session on tepal's loops (those that asyncio makes, as ``tepal run`` does) and writes a
report in the terminal at its end; ``--tepal-report-file=FILE`` writes it to a file, whose ending ``.json``, ``.sarif``
or ``.html`` chooses the format. ``--tepal-fail-on=KIND,KIND`` lets the session fail if one of these was found. Without
any of them the plugin does nothing.
"""

from __future__ import annotations

import argparse
from typing import Any

import pytest

_GROUP = "tepal"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options."""
    group = parser.getgroup(_GROUP, "reports on Tasks and event loops")
    group.addoption(
        "--tepal-report", action="store_true", help="run on tepal's event loops; at the end, report on their Tasks"
    )
    group.addoption(
        "--tepal-report-file", default=None, metavar="FILE", help="as --tepal-report, and write the report to FILE"
    )
    group.addoption(
        "--tepal-fail-on", default=None, metavar="KIND[,KIND]", help="fail if one of these kinds was found, or all"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin the recording, if one is asked."""
    file, fail_on = config.getoption("--tepal-report-file"), config.getoption("--tepal-fail-on")
    if file is None and fail_on is None and not config.getoption("--tepal-report"):
        return
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist; the plugin reports on one process
    config.pluginmanager.register(_Session(file or "-", fail_on or ""), "tepal-session")


class _Session:
    """The recording of one session."""

    def __init__(self, file: str, fail_on: str) -> None:
        from tepal import policy  # noqa: PLC0415  (must not be imported on Python 3.16, nor without need)
        from tepal.report import program  # noqa: PLC0415

        try:
            kinds = program.kinds_of(fail_on)
        except argparse.ArgumentTypeError as error:
            raise pytest.UsageError(f"--tepal-fail-on: {error}") from None
        if file != "-":
            try:
                open(file, "ab").close()  # before the tests, which may take hours
            except OSError as error:
                raise pytest.UsageError(f"--tepal-report-file: can't write {file!r}: {error.strerror}") from None
        self._program: Any = program
        self._wanted = program.wanted_in(file)
        self._wanted.fail_on = kinds
        self._wanted.kinds |= kinds
        self._in_terminal = self._wanted.text == "-"
        if self._in_terminal:
            self._wanted.text = None
        policy.set_policy(policy.EventLoopPolicy())
        self._recording = program.begin(self._wanted)
        self._report: Any = None
        self._failed = False
        self._unwritten = ""

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End the recording."""
        try:
            self._report = self._program.finish(self._recording, self._wanted)
            self._failed = self._program.fails(self._report, self._wanted)
        except OSError as error:
            self._unwritten = self._program.unwritten(error)
        well = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if well and (self._failed or self._unwritten):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write the report, and why the session failed."""
        if self._in_terminal and self._report is not None:
            terminalreporter.section("tepal report")
            terminalreporter.write_line(self._report.text(colour=terminalreporter.hasmarkup))
        if self._unwritten:
            terminalreporter.write_line(self._unwritten, red=True)
        if self._failed:
            kinds = ", ".join(sorted(self._report.kinds() & self._wanted.fail_on))
            terminalreporter.write_line(f"tepal: failed because of {kinds}", red=True)
