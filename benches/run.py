"""The benchmark: tepal and its peers, as multiples of stock asyncio's speed.

    python benches/run.py                       all cases on all loops that are installed
    python benches/run.py --quick               the same with less certainty, in minutes
    python benches/run.py --cases 'create_task,tree_*' --loops tepal,uvloop
    python benches/run.py --write-docs          also renew docs/performance.md and its charts

It runs in the environment of the Python that runs it, with the loops that are
installed there. Writes Markdown, JSON and charts under build/bench/ and prints the
Markdown. benches/README.md describes the method.
"""

import argparse
import dataclasses
import fnmatch
import os
import sys
import time
from pathlib import Path

import cases
from measure import documents, goals, memory, rounds, summary
from measure.loops import LOOPS

CORE = max(os.sched_getaffinity(0))
FULL = rounds.Effort(rounds=7, samples=3, target=0.1, core=CORE)
QUICK = rounds.Effort(rounds=2, samples=1, target=0.03, core=CORE)
MEMORY_REPETITIONS = 3

ALONE = [name for name, loop in LOOPS.items() if loop.above is None]
"""What only replaces another loop's networking has nothing to show here."""


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="*", help="names or patterns, separated by commas (see --list)")
    parser.add_argument("--loops", default=",".join(ALONE), help="names, separated by commas; asyncio always runs")
    parser.add_argument("--rounds", type=int, help=f"number of rounds (default {FULL.rounds})")
    parser.add_argument("--quick", action="store_true", help="few rounds of short samples")
    parser.add_argument("--no-memory", action="store_true", help="leave out the memory per object")
    parser.add_argument("--json", type=Path, help="where to write the JSON, instead of build/bench/")
    parser.add_argument("--write-docs", action="store_true", help="renew docs/performance.md and its charts")
    parser.add_argument("--core", type=int, default=CORE, help="the core to pin to")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    return parser.parse_args()


def chosen_cases(patterns: str) -> list[cases.Case]:
    """The cases that match, in the order of the report, that this Python can run.

    Raises SystemExit if a pattern matches none.
    """
    wanted = patterns.split(",")
    for pattern in wanted:
        if not fnmatch.filter(cases.ALL, pattern):
            raise SystemExit(f"no case matches {pattern!r}; --list shows them")
    return [
        case
        for case in cases.ALL.values()
        if case.minimum_python <= sys.version_info[:2] and any(fnmatch.fnmatch(case.name, one) for one in wanted)
    ]


def chosen_loops(names: str) -> list[str]:
    """The loops that were asked for and asyncio, which every ratio needs.

    Raises SystemExit on an unknown name.
    """
    wanted = set(names.split(",")) | {goals.BASE}
    if unknown := wanted - set(LOOPS):
        raise SystemExit(f"unknown loops: {', '.join(sorted(unknown))}; there are {', '.join(LOOPS)}")
    return [name for name in LOOPS if name in wanted]


def main() -> None:
    """Measure, write, print."""
    arguments = parse()
    chosen = chosen_cases(arguments.cases)
    if arguments.list:
        print("\n".join(f"{case.name:32} {case.title}" for case in chosen))
        return
    usual = QUICK if arguments.quick else FULL
    effort = dataclasses.replace(usual, rounds=arguments.rounds or usual.rounds, core=arguments.core)
    loops = chosen_loops(arguments.loops)
    started = time.monotonic()
    found = rounds.measure_rounds(loops, chosen, effort)
    present = [loop for loop in loops if loop not in found.absent]
    memory_found = {}
    if not arguments.no_memory and arguments.cases == "*":
        memory_found = memory.measure_memory(present, 1 if arguments.quick else MEMORY_REPETITIONS)
    result = summary.summarize(chosen, effort, found, memory_found)
    page = documents.write_build(result, arguments.json)
    print(page.read_text(encoding="utf-8"))
    if arguments.write_docs:
        print(f"wrote {os.path.relpath(documents.write_docs(result))}", file=sys.stderr)
    print(f"{time.monotonic() - started:.0f} s; wrote {os.path.relpath(page)}", file=sys.stderr)


if __name__ == "__main__":
    main()
