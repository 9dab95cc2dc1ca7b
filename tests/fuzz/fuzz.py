"""Fuzzes what reads the bytes of strangers, with asyncio as the oracle.

    make fuzz PYTHON=3.14                        ten minutes, all targets in turn
    make fuzz ARGS='--seconds 60 --target tls --seed 7'
    make fuzz ARGS='--target tls --case 7/1234'  one case again, with all that it does

A case is made from its number by chance, and runs on asyncio and on tepal. What the kernel's timing may change is not
held against anybody: where the two differ, both run again several times, and only a case without any common outcome is
a fault. The status is 0 only if there is none; a crash ends the process, and `--journal` has the name of the case.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "tls")]

import fuzz_addresses  # noqa: E402
import fuzz_datagrams  # noqa: E402
import fuzz_stream_reader  # noqa: E402
import fuzz_tls  # noqa: E402
import library  # noqa: E402

TARGETS: dict[str, Any] = {
    "tls": fuzz_tls,
    "reader": fuzz_stream_reader,
    "addresses": fuzz_addresses,
    "datagrams": fuzz_datagrams,
}
"""Modules with ``make_case(random)``, ``async run(case)``, which gives an outcome, and ``agree(asyncio's, ours)``."""
AGAIN = 6
"""How often a case that differs is run again."""
MAXIMUM_FAULTS = 20
LONGEST = 400
"""Characters of a case or an outcome that are shown."""


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long, for all targets together (600)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="where chance begins")
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one; may be repeated")
    parser.add_argument("--case", metavar="SEED/NUMBER", help="only this case of the target")
    parser.add_argument("--only-tepal", action="store_true", help="compare nothing: look for crashes, under valgrind")
    parser.add_argument("--patience", type=float, help="how long a peer of TLS waits for an answer (seconds)")
    parser.add_argument("--journal", type=Path, help="write the name of each case to this file before it runs")
    return parser.parse_args()


class Subject:
    """A library and its loop, which serves all cases; a new one after a case that hung."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.new_event_loop = library.load(name).new_event_loop
        self.loop = self.new_event_loop()

    def run(self, target: Any, case: Any) -> Any:
        """The outcome of a case, with what was reported meanwhile."""
        reported: list[str] = []

        def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            reported.append(f"{context['message']}: {context.get('exception')!r}")

        self.loop.set_exception_handler(report)
        hook, sys.unraisablehook = (
            sys.unraisablehook,
            lambda report: reported.append(f"unraisable {report.exc_value!r}"),
        )
        try:
            outcome = self.loop.run_until_complete(asyncio.wait_for(target.run(case), 60))
        finally:
            sys.unraisablehook = hook
        return (*outcome, reported)

    def close(self) -> None:
        self.loop.close()


def differs(subjects: list[Subject], target: Any, case: Any) -> tuple[Any, Any] | None:
    """The outcomes on both, if they have nothing in common."""
    oracle, subject = subjects
    expected, found = [oracle.run(target, case)], [subject.run(target, case)]
    for _ in range(AGAIN):
        if any(target.agree(left, right) for left in expected for right in found):
            return None
        expected.append(oracle.run(target, case))
        found.append(subject.run(target, case))
    return expected[0], found[0]


def shown(thing: Any, options: argparse.Namespace) -> str:
    """All of it if one case is asked for."""
    text = str(thing)
    return text if options.case is not None or len(text) < LONGEST else f"{text[:LONGEST]} ..."


def fuzz(options: argparse.Namespace, name: str, seconds: float, subjects: list[Subject]) -> tuple[int, int]:
    """Run cases of a target until the time is over; how many, and how many faults."""
    target, faults, number = TARGETS[name], 0, 0
    seed, ends = options.seed, time.monotonic() + seconds
    if options.case is not None:
        seed, number = (int(part) for part in options.case.split("/"))
    first = number
    while faults < MAXIMUM_FAULTS and (time.monotonic() < ends or number == first):
        if options.journal is not None:
            options.journal.write_text(f"--target {name} --case {seed}/{number}\n")
        case = target.make_case(random.Random(f"{name} {seed}/{number}"))
        if options.case is not None:
            print(case)
        if options.only_tepal:
            subjects[-1].run(target, case)
        elif difference := differs(subjects, target, case):
            faults += 1
            print(f"FAULT: --target {name} --case {seed}/{number}: {shown(case, options)}")
            for side, outcome in zip(("asyncio", "tepal"), difference, strict=True):
                print(f"  {side:7} {shown(outcome, options)}", flush=True)
        number += 1
        if options.case is not None:
            break
    return number - first, faults


def main() -> int:
    """Fuzz, say what was found; returns the exit status."""
    options = parse()
    names = options.target or list(TARGETS)
    if options.patience is not None:
        fuzz_tls.patience = options.patience
    subjects = [Subject(name) for name in (["tepal"] if options.only_tepal else ["asyncio", "tepal"])]
    total = 0
    close: list[Callable[[], None]] = [subject.close for subject in subjects]
    for name in names:
        count, faults = fuzz(options, name, options.seconds / len(names), subjects)
        print(f"{name}: {count} cases with --seed {options.seed}, {faults} faults", flush=True)
        total += faults
    for end in close:
        end()
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
