"""Instructions per operation, counted by callgrind: figures without noise.

    python benches/instructions.py --loop tepal --cases create_task,future_wakeup
    python benches/instructions.py --loop tepal,asyncio --cases 'sleep_zero'

The case runs in two sizes under valgrind; the difference of the two counts,
divided by the difference of operations, is free of start-up and of the
interpreter's warm-up. Instructions are not time: a system call or a cache miss costs
more than its instructions say (callgrind counts user space only), so this compares
versions of one loop better than it compares loops. A program is some fifty times slower
under valgrind, so a loop whose poll budget is a time polls far more often there. Needs
valgrind.
"""

import argparse
import fnmatch
import re
import shutil
import subprocess
import sys

import cases
from measure import goals
from measure.loops import LOOPS
from measure.process import BENCHES, environment

SMALL = 2_000
LARGE = 6_000
"""Operations of the two sizes; both are past the warm-up of the interpreter."""
CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
LIMIT = 600
"""Seconds for one run under valgrind."""


def run(loop: str, case: cases.Case, repeats: int, under: list[str]) -> str:
    """Standard error of a process that runs ``repeats`` repeats, ``under`` a tool or none.

    Raises RuntimeError when it fails and subprocess.TimeoutExpired after `LIMIT` seconds.
    """
    script = [sys.executable, str(BENCHES / "one_case.py")]
    work = ["--loop", loop, "--case", case.name, "--repeats", str(repeats)]
    ended = subprocess.run(
        [*under, *script, *work], env=environment(0), capture_output=True, text=True, timeout=LIMIT, check=False
    )
    if ended.returncode != 0:
        last = (ended.stderr.strip().splitlines() or ["no output"])[-1]
        raise RuntimeError(f"{case.name} on {loop} ended with status {ended.returncode}: {last}")
    return ended.stderr


def count(loop: str, case: cases.Case, repeats: int) -> int:
    """Instructions of a whole process. Raises as `run`, and RuntimeError without a count."""
    collected = re.search(r"Collected : (\d+)", run(loop, case, repeats, CALLGRIND))
    if collected is None:
        raise RuntimeError(f"callgrind reported no count for {case.name} on {loop}")
    return int(collected.group(1))


def per_operation(loop: str, case: cases.Case, small: int, large: int) -> float:
    """Instructions per operation. ``small`` and ``large`` are sizes in operations."""
    few = max(2, small // case.operations)
    many = max(few + 4, large // case.operations)
    # Outside callgrind first, so that neither count contains the compiling of modules.
    run(loop, case, few, [])
    return (count(loop, case, many) - count(loop, case, few)) / ((many - few) * case.operations)


def main() -> None:
    """Print a Markdown table: cases in rows, loops in columns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loop", default="tepal", help="names, separated by commas: " + ", ".join(LOOPS))
    parser.add_argument("--cases", required=True, help="names or patterns, separated by commas")
    parser.add_argument("--small", type=int, default=SMALL, help="operations of the smaller run")
    parser.add_argument("--large", type=int, default=LARGE, help="operations of the larger run")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed")
    loops = arguments.loop.split(",")
    wanted = [
        case
        for case in cases.ALL.values()
        if any(fnmatch.fnmatch(case.name, pattern) for pattern in arguments.cases.split(","))
    ]
    print("| instructions per operation | " + " | ".join(loops) + " |")
    print("| --- |" + " ---: |" * len(loops))
    for case in wanted:
        cells = []
        for loop in loops:
            try:
                cells.append(f"{per_operation(loop, case, arguments.small, arguments.large):.0f}")
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(error, file=sys.stderr)
                cells.append(goals.NOTHING)
        print(f"| {case.title} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
