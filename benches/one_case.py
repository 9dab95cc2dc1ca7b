"""Run one case on one loop a fixed number of times: a target for profilers.

    perf record -g python benches/one_case.py --loop tepal --case create_task --repeats 1000000
    valgrind --tool=callgrind python benches/one_case.py --loop tepal --case create_task --repeats 2000

Nothing is calibrated or warmed up, so the work is the same from run to run.
"""

import argparse

import cases
from measure import loops, sample


def main() -> None:
    """Parse the arguments, run the case and print its time per operation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loop", choices=loops.LOOPS, default="tepal")
    parser.add_argument("--case", choices=cases.ALL, required=True, metavar="CASE", help=", ".join(cases.ALL))
    parser.add_argument("--repeats", type=int, required=True, help="how many times the case's body runs")
    parser.add_argument("--runs", type=int, default=1, help="how many such runs, on one loop")
    arguments = parser.parse_args()

    case = cases.ALL[arguments.case]
    with sample.open_runner(case, loops.load(arguments.loop)) as runner:
        for _ in range(arguments.runs):
            taken = sample.take(runner, case, arguments.repeats)
            operations = taken.repeats * case.operations
            print(
                f"{case.name} on {arguments.loop}: {operations} operations, "
                f"{taken.cpu / operations * 1e9:.1f} ns CPU, {taken.wall / operations * 1e9:.1f} ns wall each"
            )


if __name__ == "__main__":
    main()
