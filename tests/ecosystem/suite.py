"""A library's own test suite, run by pytest on the loop under test; what each test's outcome was is compared."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from stage import Stage

SOURCES = Path(sys.prefix).parent / "sources"
"""Where install.py has unpacked the sources of libraries."""

# Sockets that a failed test leaves behind are reported in whatever test the collector runs next: not compared.
ALWAYS = ("-q", "-p", "outcomes", "-p", "no:cacheprovider", "-p", "no:unraisableexception", "--timeout", "30")
# A test that fails is tried once more: the machine may have been too busy for its own time limits. More failures than
# this are no accident.
MOST_TRIED_AGAIN = 40


def run(stage: Stage, *words: str, limit: float, at_least: int, **variables: str) -> dict[str, Any]:
    """Runs pytest with `words`, for at most `limit` seconds; returns each test's outcome and a `summary`.

    Raises AssertionError if fewer than `at_least` tests passed.
    """
    outcomes = attempt(stage, words, limit, variables)
    failed = [test for test, outcome in outcomes.items() if outcome == "failed"]
    if 0 < len(failed) <= MOST_TRIED_AGAIN:
        outcomes |= attempt(stage, (*words, *only(failed)), limit, variables)
    counts = Counter(outcomes.values())
    assert counts["passed"] >= at_least, counts
    summary = f"{counts['passed']} tests passed, {counts['failed']} failed, {counts['skipped']} skipped"
    return {"summary": summary, **outcomes}


def only(tests: list[str]) -> tuple[str, ...]:
    """Returns the words that have the plugin `outcomes` leave out all tests but these."""
    return ("--only-tests", json.dumps(tests))


def attempt(stage: Stage, words: tuple[str, ...], limit: float, variables: dict[str, str]) -> dict[str, str]:
    """Runs pytest once and returns the outcomes by the tests' ids."""
    file = stage.folder / "outcomes.json"
    file.unlink(missing_ok=True)
    environment = {"ECOSYSTEM_LOOP": stage.loop.name, "ECOSYSTEM_OUTCOMES": str(file), **variables}
    program = stage.python("-m", "pytest", *ALWAYS, *words, **environment)
    program.wait(limit)
    assert file.exists(), program.text()[-3000:]
    outcomes: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return outcomes
