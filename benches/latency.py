"""Latencies under a fixed load: servers on tepal and its peers at the same number of requests per second.

    python benches/latency.py                       all rows on all loops that are installed
    python benches/latency.py --quick               the same with less certainty
    python benches/latency.py --kinds protocol,uvicorn --loops tepal,uvloop
    python benches/latency.py --write-docs          also renew docs/performance-latency.md

It runs in the environment of the Python that runs it, with the loops that are
installed there. Writes Markdown and JSON under build/bench/ and prints the Markdown.
benches/README.md describes the method.
"""

import argparse
import os
import sys
import time

from measure import latency, latency_page, network_rounds
from measure.goals import BASE
from measure.loops import LOOPS
from measure.network_goals import UVLOOP

FULL = {"rounds": 7, "samples": 1, "seconds": 0.6, "warm_up": 0.2}
QUICK = {"rounds": 2, "samples": 1, "seconds": 0.5, "warm_up": 0.2}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default=",".join(latency.KINDS), help="kinds of servers, separated by commas")
    parser.add_argument("--loops", default=",".join(name for name in LOOPS if name != BASE), help="names, by commas")
    parser.add_argument("--rounds", type=int, help=f"number of rounds (default {FULL['rounds']})")
    parser.add_argument("--quick", action="store_true", help="few rounds of short windows")
    parser.add_argument("--usual-priority", action="store_true", help="no real-time priority, also where permitted")
    parser.add_argument("--write-docs", action="store_true", help="renew docs/performance-latency.md")
    return parser.parse_args()


def main() -> None:
    """Measure, write, print."""
    arguments = parse()
    kinds = arguments.kinds.split(",")
    names = set(arguments.loops.split(",")) | {UVLOOP}
    if unknown := (names - set(LOOPS)) | (set(kinds) - set(latency.KINDS)):
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}")
    if (missing := network_rounds.programs_are_built()) is not None:
        raise SystemExit(f"{missing.name} is not built: use `make bench-latency`")
    usual = QUICK if arguments.quick else FULL
    server_core, client_core = network_rounds.cores()
    effort = network_rounds.NetworkEffort(
        rounds=arguments.rounds or int(usual["rounds"]),
        samples=1,
        seconds=usual["seconds"],
        warm_up=usual["warm_up"],
        server_core=server_core,
        client_core=client_core,
        priority=not arguments.usual_priority and network_rounds.take_priority(),
    )
    started = time.monotonic()
    result = latency.measure([name for name in LOOPS if name in names], kinds, effort)
    page = latency_page.write_build(result)
    print(page.read_text(encoding="utf-8"))
    if arguments.write_docs:
        print(f"wrote {os.path.relpath(latency_page.write_docs(result))}", file=sys.stderr)
    print(f"{time.monotonic() - started:.0f} s; wrote {os.path.relpath(page)}", file=sys.stderr)


if __name__ == "__main__":
    main()
