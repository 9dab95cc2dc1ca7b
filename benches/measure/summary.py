"""From the answers of all rounds to one summary, which is also what JSON holds."""

import datetime
import os
import platform
import statistics
import sys
from typing import Any

import cases

from measure import goals, memory
from measure.rounds import Effort, Measurement


def machine() -> dict[str, Any]:
    """What a reader must know of the machine to judge the figures."""
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "compiler": platform.python_compiler(),
    }


def figure(base: list[dict[str, Any]], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds; ratios are taken within each round, never across two."""
    ratios = [one["cpu_ns"] / other["cpu_ns"] for one, other in zip(base, answers, strict=False)]
    return {
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "wall_ratio": statistics.median(
            one["wall_ns"] / other["wall_ns"] for one, other in zip(base, answers, strict=False)
        ),
        "cpu_ns": statistics.median(answer["cpu_ns"] for answer in answers),
        "wall_ns": statistics.median(answer["wall_ns"] for answer in answers),
        "repeats": answers[0]["repeats"],
        "rounds": len(answers),
    }


def unrest(summaries: dict[str, dict[str, Any]]) -> float:
    """How restless the machine was: the median, over all figures, of the share by which
    the highest ratio of a round exceeds the lowest one.
    """
    spreads = [
        each["ratio_high"] / each["ratio_low"] - 1
        for case in summaries.values()
        for loop, each in case["loops"].items()
        if loop != goals.BASE
    ]
    return statistics.median(spreads) if spreads else 0.0


def summarize_case(case: cases.Case, found: Measurement, goal: goals.Goal | None) -> dict[str, Any]:
    """Figures, failures and verdict of one case. Without asyncio there is no ratio at all."""
    answers = found.answers.get(case.name, {})
    base = answers.get(goals.BASE, [])
    figures = {loop: figure(base, of_loop) for loop, of_loop in answers.items() if base and of_loop}
    ratios = {loop: each["ratio"] for loop, each in figures.items()}
    return {
        "title": case.title,
        "group": case.group,
        "operations": case.operations,
        "control": case.control,
        "loops": figures,
        "failures": found.failures.get(case.name, {}),
        "best_peer": goals.best_peer(ratios),
        "goal": goal.at_least if goal else None,
        "reached": goals.NOTHING if case.control else goals.verdict(ratios, goal),
    }


def summarize_memory(found: dict[str, dict[str, float | str]], wanted: goals.Goals) -> dict[str, Any]:
    """Bytes per object: figures and reasons apart, with the verdict where there is a goal."""
    summary: dict[str, Any] = {}
    for kind, of_kind in found.items():
        figures = {loop: value for loop, value in of_kind.items() if not isinstance(value, str)}
        summary[kind] = {
            "title": memory.KINDS[kind][0],
            "loops": figures,
            "failures": {loop: value for loop, value in of_kind.items() if isinstance(value, str)},
            "best_peer": goals.best_peer(figures, min),
            "reached": goals.memory_verdict(figures) if kind in wanted.memory_kinds else goals.NOTHING,
        }
    return summary


def summarize(
    chosen: list[cases.Case],
    effort: Effort,
    found: Measurement,
    memory_found: dict[str, dict[str, float | str]],
) -> dict[str, Any]:
    """Everything that a run found out, as one JSON-able dictionary."""
    wanted = goals.read()
    summaries = {case.name: summarize_case(case, found, wanted.cases.get(case.name)) for case in chosen}
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "python_minor": "{}.{}".format(*sys.version_info),
        "machine": machine(),
        "effort": {"rounds": effort.rounds, "samples": effort.samples, "target_seconds": effort.target},
        "goals_for_python": wanted.python,
        "versions": found.versions,
        "absent": found.absent,
        "unrest": unrest(summaries),
        "cases": summaries,
        "memory": summarize_memory(memory_found, wanted),
    }
