"""Runs one module of tests in one mode, in this process, and writes each event as a line of JSON as it happens.

The parent (`processes.py`) reads the lines even if this process dies in the middle, names the test that killed it, and
starts another one for the rest. Not meant to be started by hand; `run.py` does.
"""

import argparse
import faulthandler
import json
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
import unittest
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import event_log
import selection
import subject

PACKAGE = "test.test_asyncio."
# After its time limit a test gets the exception, again every so many seconds in case the code under test swallows it,
# and then, if it hangs where no Python code runs, the whole process is ended with a traceback of every thread.
REPEAT_SECONDS = 5.0
GRACE_SECONDS = 30.0


class TestTimedOut(Exception):
    """Raised in the main thread when one test has used up its time."""


def short_id(test: unittest.TestCase) -> str:
    """Returns `module.Class.test` for a test of CPython's suite or of ours."""
    return test.id().removeprefix(PACKAGE).removeprefix("pairs.")


class Recorder(unittest.TestResult):
    """Writes outcomes, holds each test to its time limit, and fails a test that leaves an exception nobody could raise.

    CPython's own CI treats an unraisable exception (sys.unraisablehook) and an exception that ends a thread as failures
    too (`regrtest --fail-env-changed`).
    """

    def __init__(self, events: TextIO, limit: float, door: Any, mode: str) -> None:
        super().__init__()
        self._events = events
        self._limit = limit
        self._door = door
        self._must_make_loop = mode in subject.MODES_WITH_LOOP
        self._outcome = "passed"
        self._detail = ""
        self._started = 0.0
        self._loops_before = 0
        self._running = False
        signal.signal(signal.SIGALRM, self._time_is_up)
        sys.unraisablehook = self._unraisable
        threading.excepthook = self._thread_died

    def _time_is_up(self, _number: int, _frame: Any) -> None:
        self._fail(f"timed out after {self._limit:g} s")
        raise TestTimedOut(f"{self._limit:g} s")

    def _unraisable(self, unraisable: Any) -> None:
        sys.__unraisablehook__(unraisable)
        self._fail(f"unraisable exception: {unraisable.exc_value!r} in {unraisable.object!r}")

    def _thread_died(self, arguments: Any) -> None:
        threading.__excepthook__(arguments)
        self._fail(f"exception ended a thread: {arguments.exc_value!r}")

    def write(self, event: str, **values: Any) -> None:
        """Writes one event, at once."""
        self._events.write(json.dumps({"event": event, **values}) + "\n")
        self._events.flush()

    def _fail(self, detail: str) -> None:
        self._outcome = "failed"
        self._detail = f"{self._detail}\n{detail}".strip()

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._outcome, self._detail = "passed", ""
        self._loops_before = self._door.made if self._door else 0
        self._started = time.monotonic()
        self._running = True
        self.write("start", id=short_id(test))
        # A test may install a handler of its own for this signal and leave the default one behind.
        signal.signal(signal.SIGALRM, self._time_is_up)
        signal.setitimer(signal.ITIMER_REAL, self._limit, REPEAT_SECONDS)
        faulthandler.dump_traceback_later(self._limit + GRACE_SECONDS, exit=True)

    def stopTest(self, test: unittest.TestCase) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)
        self._running = False
        made_loop = self._door is not None and self._door.made > self._loops_before
        self.write(
            "end",
            id=short_id(test),
            outcome=self._outcome,
            detail=self._detail,
            seconds=round(time.monotonic() - self._started, 3),
            # A test that made no loop of the class under test says nothing about it, unless it failed.
            counted=made_loop or not self._must_make_loop or self._outcome != "passed",
        )

    def _outside_a_test(self, test: unittest.TestCase, outcome: str, detail: str) -> None:
        # setUpClass, setUpModule and their opposites have no startTest.
        self.write("end", id=short_id(test), outcome=outcome, detail=detail, seconds=0.0, counted=True)

    def _problem(self, test: unittest.TestCase, error: Any) -> None:
        detail = "".join(traceback.format_exception(*error))
        if self._running:
            self._fail(detail)
        else:
            self._outside_a_test(test, "failed", detail)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self._problem(test, err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._problem(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            self._fail(f"{subtest}\n" + "".join(traceback.format_exception(*err)))

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self._fail("CPython marks this test as an expected failure, and it passed")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        if not self._running:
            self._outside_a_test(test, "skipped", reason)
        elif self._outcome != "failed":
            self._outcome, self._detail = "skipped", reason


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Yields the tests of a suite of suites, in order."""
    for member in suite:
        if isinstance(member, unittest.TestSuite):
            yield from flatten(member)
        else:
            yield member


def load_tests(mode: str, module: str) -> list[unittest.TestCase]:
    """Imports the module and returns the tests that are selected in this mode.

    A module that cannot be imported becomes one test that fails with the import's error (unittest's own way).
    """
    prefix = "pairs." if mode == "pairs" else PACKAGE
    tests = flatten(unittest.defaultTestLoader.loadTestsFromName(prefix + module))
    return [test for test in tests if mode == "pairs" or selection.is_selected(mode, module, type(test).__name__)]


def started_ids(path: Path) -> set[str]:
    """Returns the ids which an earlier process of the same job has dealt with, or died of."""
    return {event["id"] for event in event_log.read(path) if event["event"] in {"start", "end"}}


def arguments() -> argparse.Namespace:
    """Parses the command line that `processes.py` writes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", required=True)
    parser.add_argument("--module", required=True)
    parser.add_argument("--subject", required=True, help="the five names of subject.Subject, as JSON")
    parser.add_argument("--events", required=True, type=Path)
    parser.add_argument("--test-limit", required=True, type=float)
    parser.add_argument("--only", default="")
    return parser.parse_args()


def main() -> None:
    """Runs the tests which no earlier process has started."""
    options = arguments()
    faulthandler.enable()
    # A run that was started in the background inherits an ignored Ctrl-C, and tests of it would fail.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    done = started_ids(options.events)
    door = subject.Subject(**json.loads(options.subject)).install(options.mode)
    with tempfile.TemporaryDirectory() as folder, options.events.open("a", encoding="utf-8") as events:
        # CPython's tests make files in the current folder.
        os.chdir(folder)
        recorder = Recorder(events, options.test_limit, door, options.mode)
        tests = [test for test in load_tests(options.mode, options.module) if options.only in short_id(test)]
        recorder.write("selected", ids=[short_id(test) for test in tests])
        rest = unittest.TestSuite(test for test in tests if short_id(test) not in done)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.simplefilter("ignore", DeprecationWarning)
            rest.run(recorder)
        os.chdir("/")
        recorder.write("complete")


if __name__ == "__main__":
    main()
