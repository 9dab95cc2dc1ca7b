"""Interleaved rounds: every loop measures a case before the next case begins.

In one round each loop has one process. All of them are alive together and are
asked in turn, so that only one works at any time and a slow minute of the machine
falls on all loops alike. What is kept is, per round, the ratio of asyncio's CPU
time to the loop's; the result is the median of these ratios.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cases.case import Case

from measure.process import Failure, JsonProcess

START_LIMIT = 30.0
"""Seconds for a child to import its loop."""
CASE_LIMIT = 90.0
"""Seconds for a child to measure one case, calibration included."""


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    samples: int
    """Samples of each loop per case and round, of which the best counts."""
    target: float
    """Seconds of CPU time of one sample."""
    core: int
    """The core that one-core cases are pinned to."""


@dataclass
class Measurement:
    """All that the rounds found out."""

    versions: dict[str, str] = field(default_factory=dict)
    """Loop to version, for the loops that could be imported."""
    absent: dict[str, str] = field(default_factory=dict)
    """Loop to reason, for those that could not."""
    answers: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    """Case to loop to one answer of `measure.loop_process` per round."""
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    """Case to loop to the reason why the loop has no figure for it."""

    def fail(self, case: Case, loop: str, reason: str) -> None:
        """Note that ``loop`` cannot do ``case``; its earlier figures are dropped."""
        self.failures.setdefault(case.name, {})[loop] = reason
        self.answers.get(case.name, {}).pop(loop, None)

    def repeats(self, case: Case, loop: str) -> int | None:
        """The repeats that an earlier round calibrated, None before that."""
        earlier = self.answers.get(case.name, {}).get(loop)
        return earlier[0]["repeats"] if earlier else None


class Round:
    """One round: the processes of all loops, alive at once."""

    def __init__(self, loops: list[str], effort: Effort, seed: int, found: Measurement) -> None:
        self.effort = effort
        self.seed = seed
        self.found = found
        self.processes: dict[str, JsonProcess] = {}
        # Another loop goes first in every round, so that none always follows the same one.
        first = seed % len(loops)
        for loop in loops[first:] + loops[:first]:
            if loop not in found.absent:
                self.start(loop)

    def start(self, loop: str) -> None:
        """Start the process of ``loop``; a loop that cannot be imported is absent from now on."""
        process = JsonProcess("measure.loop_process", loop, str(self.effort.core), seed=self.seed)
        greeting = process.answer(START_LIMIT)
        if isinstance(greeting, Failure):
            self.found.absent[loop] = greeting.reason
            self.processes.pop(loop, None)
        else:
            self.found.versions[loop] = greeting["version"]
            self.processes[loop] = process

    def measure(self, case: Case) -> None:
        """Ask each loop in turn for a sample of ``case``, several times around; the best counts.

        Noise only ever adds CPU time, so the least is the nearest to the truth; and as
        the samples of one loop lie between those of the others, a bad second of the
        machine cannot spoil all samples of one loop and none of another.
        """
        best: dict[str, dict[str, Any]] = {}
        for _ in range(self.effort.samples):
            for loop in list(self.processes):
                if loop in self.found.failures.get(case.name, {}):
                    continue
                known = best[loop]["repeats"] if loop in best else self.found.repeats(case, loop)
                answer = self.ask(case, loop, known)
                if isinstance(answer, Failure):
                    best.pop(loop, None)
                    self.found.fail(case, loop, answer.reason)
                elif loop not in best or answer["cpu_ns"] < best[loop]["cpu_ns"]:
                    best[loop] = answer
        for loop, answer in best.items():
            self.found.answers.setdefault(case.name, {}).setdefault(loop, []).append(answer)

    def ask(self, case: Case, loop: str, repeats: int | None) -> dict[str, Any] | Failure:
        """One sample of ``case`` from the process of ``loop``, which is replaced if it dies of it."""
        process = self.processes[loop]
        request = {"case": case.name, "repeats": repeats, "target": self.effort.target}
        answer = process.ask(request, CASE_LIMIT)
        if not process.alive:
            self.start(loop)
        return answer

    def close(self) -> None:
        """End all processes of the round."""
        for process in self.processes.values():
            process.close()


@contextmanager
def open_round(loops: list[str], effort: Effort, seed: int, found: Measurement) -> Iterator[Round]:
    """A `Round` whose processes end with the block."""
    this = Round(loops, effort, seed, found)
    try:
        yield this
    finally:
        this.close()


def measure_rounds(loops: list[str], cases: list[Case], effort: Effort) -> Measurement:
    """Measure ``cases`` on ``loops``; progress goes to standard error if that is a terminal."""
    found = Measurement()
    for number in range(effort.rounds):
        with open_round(loops, effort, number, found) as this:
            for case in cases:
                show_progress(f"round {number + 1} of {effort.rounds}: {case.title}")
                this.measure(case)
        show_progress("")
    return found


def show_progress(words: str) -> None:
    """Say what is being measured, on a line that the next one overwrites; only on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{words:78.78}", end="\r" if not words else "", file=sys.stderr, flush=True)
