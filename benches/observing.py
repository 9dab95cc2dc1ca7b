"""What it costs that a loop is observed: off, counters (the default), a report, and one with never-awaited coroutines.

    python benches/observing.py             Markdown, also written to build/bench/observing.md
    python benches/observing.py --quick

Each level has a process of its own; all are alive together and measure a case in turn, as the loops of the main
benchmark do (benches/measure/rounds.py). A figure is the median, over the rounds, of CPU time at that level by CPU
time at ``off``.
"""

import argparse
import os
import statistics
import sys
from typing import Any

import cases
from measure.process import BENCHES, Failure, JsonProcess
from measure.rounds import CASE_LIMIT, START_LIMIT, show_progress

WITHOUT_ORIGINS = "awaited-at-once,dropped,blocking,stuck"
"""All default kinds but never-awaited, for which Python itself notes the line of each call of a coroutine function."""

LEVELS: dict[str, dict[str, str]] = {
    "off": {"TEPAL_OBSERVE": "off", "TEPAL_REPORT": ""},
    "counters": {"TEPAL_OBSERVE": "", "TEPAL_REPORT": ""},
    "report": {"TEPAL_OBSERVE": "", "TEPAL_REPORT": os.devnull, "TEPAL_REPORT_KINDS": WITHOUT_ORIGINS},
    "and lines of coroutines": {"TEPAL_OBSERVE": "", "TEPAL_REPORT": os.devnull, "TEPAL_REPORT_KINDS": ""},
}
CASES = (
    "sleep_zero",
    "create_task",
    "gather_1000",
    "task_group_1000",
    "tree_none_gather",
    "future_wakeup",
    "http_echo",
)
LIMITS = {"counters": {"http_echo": 1.0, "": 3.0}, "report": {"http_echo": 5.0, "": 30.0}}
"""Percent that each level may cost; "" stands for every other case."""


def start(level: str, core: int, seed: int) -> JsonProcess:
    """A measuring process at that level. Raises RuntimeError if it cannot measure tepal."""
    os.environ.update(LEVELS[level])
    process = JsonProcess("measure.loop_process", "tepal", str(core), seed=seed)
    greeting = process.answer(START_LIMIT)
    if isinstance(greeting, Failure):
        raise RuntimeError(greeting.reason)
    return process


Times = dict[str, dict[str, float]]
"""Case to level to CPU nanoseconds."""


def one_round(number: int, samples: int, target: float, core: int, known: dict[str, int]) -> Times:
    """The best of several samples of each case at each level, taken in turn."""
    names = list(LEVELS)
    first = number % len(names)
    processes = {level: start(level, core, number) for level in names[first:] + names[:first]}
    found: Times = {}
    try:
        for case in CASES:
            show_progress(f"round {number + 1}: {cases.ALL[case].title}")
            for level, process in [*processes.items()] * samples:
                answer: Any = process.ask({"case": case, "repeats": known.get(case), "target": target}, CASE_LIMIT)
                if isinstance(answer, Failure) or "reason" in answer:
                    raise RuntimeError(f"{case} at level {level}: {answer}")
                known.setdefault(case, answer["repeats"])
                times = found.setdefault(case, {})
                times[level] = min(times.get(level, answer["cpu_ns"]), answer["cpu_ns"])
    finally:
        for process in processes.values():
            process.close()
    return found


def table(rounds: list[Times]) -> list[str]:
    """The figures as Markdown."""
    version = ".".join(map(str, sys.version_info[:2]))
    lines = [f"## What observing costs, CPython {version}", ""]
    lines += ["| case | " + " | ".join(LEVELS) + " |", "|---|" + "---:|" * len(LEVELS)]
    for case in CASES:
        base = statistics.median(each[case]["off"] for each in rounds)
        cells = [cases.ALL[case].title, f"{base:.0f} ns"]
        for level in list(LEVELS)[1:]:
            percent = [(each[case][level] / each[case]["off"] - 1) * 100 for each in rounds]
            limits = LIMITS.get(level)
            limit = f" (limit {limits.get(case, limits['']):.0f} %)" if limits else ""
            cells.append(f"{statistics.median(percent):+.1f} %{limit}")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds of short samples")
    parser.add_argument("--rounds", type=int, help="number of rounds")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to pin to")
    arguments, _others = parser.parse_known_args()
    rounds, samples, target = (2, 3, 0.03) if arguments.quick else (7, 5, 0.1)
    known: dict[str, int] = {}
    count = arguments.rounds or rounds
    measured = [one_round(number, samples, target, arguments.core, known) for number in range(count)]
    show_progress("")
    text = "\n".join(table(measured)) + "\n"
    page = BENCHES.parent / "build" / "bench" / "observing.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
