"""Starts module_process.py once per module and mode, and again for the rest when a test ends the process.

A process that dies, by a signal, by `os._exit` or because a test hung past its time, costs the test that ran last and
nothing else.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import event_log
from expectations import Expectation
from outcomes import Failure, ModuleOutcome

SCRIPT = Path(__file__).resolve().parent / "module_process.py"
# A module whose tests keep ending the process is given up: with the crash being everywhere, more deaths tell nothing
# new.
MAXIMUM_DEATHS = 20


@dataclass(frozen=True)
class Settings:
    """What every process of a run has in common; times in seconds."""

    subject: dict[str, str]
    test_limit: float
    module_limit: float
    only: str
    development_mode: bool
    logs: Path


def command(settings: Settings, mode: str, module: str, events: Path) -> list[str]:
    """Returns the command line of one process.

    Variables named PYTHON... do not reach it (`-E`), so that a run can be repeated.
    """
    interpreter = [sys.executable, "-E", *(["-X", "dev"] if settings.development_mode else [])]
    options = {
        "--mode": mode,
        "--module": module,
        "--subject": json.dumps(settings.subject),
        "--events": str(events),
        "--test-limit": str(settings.test_limit),
        "--only": settings.only,
    }
    return [*interpreter, str(SCRIPT), *(word for pair in options.items() for word in pair)]


def run_once(settings: Settings, words: list[str], log: Path, deadline: float) -> str:
    """Runs one process to its end or to the deadline (`time.monotonic`); returns how it ended, in words."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "RUST_BACKTRACE": "1"},
            start_new_session=True,
        )
        try:
            status = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.poll() is None:
                # Its session: a test of subprocesses leaves children, which would hold the log open.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if status is None:
        return f"the module used up its {settings.module_limit:g} s"
    return f"the process ended by signal {-status}" if status < 0 else f"the process ended with status {status}"


def unfinished(events: list[dict[str, Any]]) -> str | None:
    """Returns the id of the test that was running when the process ended, if one was."""
    ended = {event["id"] for event in events if event["event"] == "end"}
    started = [event["id"] for event in events if event["event"] == "start" and event["id"] not in ended]
    return started[-1] if started else None


def tail(log: Path, lines: int = 30) -> str:
    """Returns the last lines of a log: faulthandler's tracebacks, or a panic."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def run_module(settings: Settings, mode: str, module: str, expectations: list[Expectation]) -> ModuleOutcome:
    """Runs all tests of one module in one mode, in as many processes as it takes, and counts their outcomes."""
    outcome = ModuleOutcome(mode, module)
    log = settings.logs / f"{mode}-{module}.log"
    log.unlink(missing_ok=True)
    deadline = time.monotonic() + settings.module_limit
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events"
        for _ in range(MAXIMUM_DEATHS):
            ended = run_once(settings, command(settings, mode, module, path), log, deadline)
            events = event_log.read(path)
            if any(event["event"] == "complete" for event in events):
                break
            culprit = unfinished(events)
            if culprit is None:
                outcome.failures.append(Failure(mode, module, f"{tail(log)}\nno test was running and {ended}"))
                break
            detail = f"{tail(log)}\n{ended} during this test"
            failed = {
                "event": "end",
                "id": culprit,
                "outcome": "failed",
                "detail": detail,
                "seconds": 0.0,
                "counted": True,
            }
            event_log.append(path, failed)
            if time.monotonic() >= deadline:
                break
        events = event_log.read(path)
    count(outcome, events, expectations)
    return outcome


def count(outcome: ModuleOutcome, events: list[dict[str, Any]], expectations: list[Expectation]) -> None:
    """Adds every outcome, and a failure for each test that never ran because the module was given up."""
    selected = next((event["ids"] for event in events if event["event"] == "selected"), [])
    ended = set()
    for event in events:
        if event["event"] == "end":
            ended.add(event["id"])
            outcome.add(event, expectations)
    complete = any(event["event"] == "complete" for event in events)
    # In a complete run, the tests that did not end are those of a class whose set-up failed or was skipped, which is
    # counted.
    if not complete:
        outcome.failures += [
            Failure(outcome.mode, test, "not run: the module was given up") for test in selected if test not in ended
        ]


def run_all(
    settings: Settings, jobs: list[tuple[str, str]], expectations: list[Expectation], parallel: int, show: Any
) -> list[ModuleOutcome]:
    """Runs the (mode, module) jobs, at most `parallel` at a time; `show` is called with each outcome as it comes."""
    settings.logs.mkdir(parents=True, exist_ok=True)

    def one(job: tuple[str, str]) -> ModuleOutcome:
        outcome = run_module(settings, *job, expectations)
        show(outcome)
        return outcome

    with ThreadPoolExecutor(max_workers=parallel) as pool:
        return list(pool.map(one, jobs))


def stale(outcomes: list[ModuleOutcome], expectations: list[Expectation]) -> list[Failure]:
    """Returns a failure for each entry about a module and mode of this run that no test of it matched."""
    found = []
    for entry in expectations:
        about = [outcome for outcome in outcomes if outcome.module == entry.module and outcome.mode in entry.modes]
        for outcome in about:
            listed = [failure.test for failure in outcome.expected + outcome.failures]
            if not any(entry.matches(outcome.mode, test) for test in listed):
                note = f"expected_failures.toml lists this pattern, and no test that ran matches it: {entry.reason}"
                found.append(Failure(outcome.mode, entry.test, note))
    return found
