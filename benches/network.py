"""The network benchmark: servers on tepal and its peers under a load generator in Rust.

    python benches/network.py                       all rows on all loops that are installed
    python benches/network.py --quick               the same with less certainty, in minutes
    python benches/network.py --cases 'streams_1k_*,protocol_1k_100' --loops tepal,uvloop
    python benches/network.py --write-docs          also renew docs/performance-network.md and its chart

It runs in the environment of the Python that runs it, with the loops that are
installed there. Writes Markdown, JSON and a chart under build/bench/ and prints the
Markdown. benches/README.md describes the method.
"""

import argparse
import fnmatch
import os
import sys
import time
from pathlib import Path

from measure import network_page, network_rounds, network_summary
from measure.goals import BASE
from measure.loops import LOOPS
from measure.network_cases import ALL, NetworkCase
from measure.network_goals import UVLOOP

FULL = {"rounds": 5, "samples": 2, "seconds": 0.25, "warm_up": 0.1}
QUICK = {"rounds": 2, "samples": 1, "seconds": 0.15, "warm_up": 0.05}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="*", help="names or patterns, separated by commas (see --list)")
    parser.add_argument("--loops", default=",".join(LOOPS), help="names, separated by commas; uvloop always runs")
    parser.add_argument("--rounds", type=int, help=f"number of rounds (default {FULL['rounds']})")
    parser.add_argument("--seconds", type=float, help=f"length of a window (default {FULL['seconds']})")
    parser.add_argument("--quick", action="store_true", help="few rounds of short windows")
    parser.add_argument("--no-idle", action="store_true", help="leave out the idle connections")
    parser.add_argument(
        "--renew", action="store_true", help="put these rows into the last run's results, marked as such"
    )
    parser.add_argument("--json", type=Path, help="where to write the JSON, instead of build/bench/")
    parser.add_argument("--write-docs", action="store_true", help="renew docs/performance-network.md and its chart")
    parser.add_argument(
        "--usual-priority", action="store_true", help="no real-time priority, also where the system permits it"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the rows and stop")
    return parser.parse_args()


def chosen_cases(patterns: str) -> list[NetworkCase]:
    """The rows that match. Raises SystemExit if a pattern matches none."""
    wanted = patterns.split(",")
    for pattern in wanted:
        if not fnmatch.filter(ALL, pattern):
            raise SystemExit(f"no row matches {pattern!r}; --list shows them")
    return [case for case in ALL.values() if any(fnmatch.fnmatch(case.name, one) for one in wanted)]


def chosen_loops(names: str) -> list[str]:
    """The loops that were asked for, and those that ratios need. Raises SystemExit on an unknown name."""
    wanted = set(names.split(",")) | {UVLOOP}
    if unknown := wanted - set(LOOPS):
        raise SystemExit(f"unknown loops: {', '.join(sorted(unknown))}; there are {', '.join(LOOPS)}")
    return [name for name in LOOPS if name in wanted or (name == BASE and names == ",".join(LOOPS))]


def chosen_effort(arguments: argparse.Namespace) -> network_rounds.NetworkEffort:
    """How much is measured, by --quick and by what was asked for outright."""
    asked = {"rounds": arguments.rounds, "seconds": arguments.seconds}
    usual = QUICK if arguments.quick else FULL
    chosen = usual | {name: value for name, value in asked.items() if value is not None}
    server_core, client_core = network_rounds.cores()
    return network_rounds.NetworkEffort(
        rounds=int(chosen["rounds"]),
        samples=int(chosen["samples"]),
        seconds=chosen["seconds"],
        warm_up=chosen["warm_up"],
        server_core=server_core,
        client_core=client_core,
        priority=not arguments.usual_priority and network_rounds.take_priority(),
    )


def main() -> None:
    """Measure, write, print."""
    arguments = parse()
    chosen = chosen_cases(arguments.cases)
    if arguments.list:
        print("\n".join(f"{case.name:20} {case.group}: {case.title}" for case in chosen))
        return
    if (missing := network_rounds.programs_are_built()) is not None:
        raise SystemExit(f"{missing.name} is not built: use `make bench-network`")
    effort = chosen_effort(arguments)
    started = time.monotonic()
    idle = (arguments.cases == "*" or arguments.renew) and not arguments.no_idle
    found = network_rounds.measure_rounds(chosen_loops(arguments.loops), chosen, effort, idle=idle)
    result = network_summary.summarize(chosen, effort, found)
    if arguments.renew:
        result = network_summary.renewed(network_page.last_result(result["python_minor"]), result)
    page = network_page.write_build(result, arguments.json)
    print(page.read_text(encoding="utf-8"))
    if arguments.write_docs:
        print(f"wrote {os.path.relpath(network_page.write_docs(result))}", file=sys.stderr)
    print(f"{time.monotonic() - started:.0f} s; wrote {os.path.relpath(page)}", file=sys.stderr)


if __name__ == "__main__":
    main()
