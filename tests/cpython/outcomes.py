"""What came out of the tests of one module in one mode, and of a whole run."""

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from expectations import Expectation


@dataclass
class Failure:
    """A test that failed, expected or not. `note` is the traceback, or for an expected failure the listed reason."""

    mode: str
    test: str
    note: str


@dataclass
class ModuleOutcome:
    """The counts of one module in one mode."""

    mode: str
    module: str
    passed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    expected: list[Failure] = field(default_factory=list)

    @property
    def run(self) -> int:
        """How many tests ran to an end: skipped ones did not."""
        return self.passed + len(self.failures) + len(self.expected)

    def add(self, event: dict[str, Any], expectations: list[Expectation]) -> None:
        """Counts one `end` event of module_process.py, against the expectations."""
        if not event["counted"]:
            return
        test, outcome, detail = event["id"], event["outcome"], event["detail"]
        self.seconds += event["seconds"]
        expectation = next((entry for entry in expectations if entry.matches(self.mode, test)), None)
        if outcome == "skipped":
            self.skipped += 1
        elif outcome == "failed" and expectation is not None:
            self.expected.append(Failure(self.mode, test, expectation.reason))
        elif outcome == "failed":
            self.failures.append(Failure(self.mode, test, detail))
        elif expectation is not None:
            note = f"passed, but expected_failures.toml lists it: {expectation.reason}"
            self.failures.append(Failure(self.mode, test, note))
        else:
            self.passed += 1

    def as_json(self) -> dict[str, Any]:
        """Returns what report.py keeps of it; tracebacks are cut to their last line."""
        values = asdict(self)
        values["run"] = self.run
        values["seconds"] = round(self.seconds, 1)
        for failure in values["failures"]:
            failure["note"] = last_line(failure["note"])
        return values


def last_line(text: str) -> str:
    """Returns the line that names the exception, or else the last one that says something; at most 160 characters."""
    lines = [line for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Warning|Exit|TimedOut)\b", line)]
    return (named or lines or [""])[-1].strip()[:160]


def totals(outcomes: list[ModuleOutcome]) -> tuple[int, int, int, int]:
    """Returns passed, failed, expected and skipped over all modules."""
    return (
        sum(outcome.passed for outcome in outcomes),
        sum(len(outcome.failures) for outcome in outcomes),
        sum(len(outcome.expected) for outcome in outcomes),
        sum(outcome.skipped for outcome in outcomes),
    )
