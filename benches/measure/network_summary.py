"""From the windows of all rounds to one summary, which is also what JSON holds."""

import datetime
import platform
import statistics
import sys
from typing import Any

from measure import network_goals
from measure.comparison import Comparison
from measure.goals import BASE, OURS
from measure.network_cases import IDLE_CASES, NetworkCase
from measure.network_goals import UVLOOP, NetworkGoals
from measure.network_rounds import LIMIT, NetworkEffort, NetworkMeasurement
from measure.summary import machine

Window = dict[str, Any]


def per_cpu_second(window: Window) -> float:
    """Requests per second of the server's CPU time: the figure that counts."""
    return float(window["requests"] / max(window["server_cpu_seconds"], 1e-9))


def by_round(base: list[Window | None], windows: list[Window | None]) -> tuple[float, ...]:
    """The loop's figure divided by the base's of the same round, for each round that has both."""
    return tuple(
        per_cpu_second(one) / per_cpu_second(other)
        for one, other in zip(windows, base, strict=False)
        if one is not None and other is not None
    )


def ratio(base: list[Window | None], windows: list[Window | None]) -> float | None:
    """Median over the rounds of the loop's figure divided by the base's of the same round."""
    ratios = by_round(base, windows)
    return statistics.median(ratios) if ratios else None


def beside_peers(windows: dict[str, list[Window | None]]) -> dict[str, Comparison]:
    """tepal beside each other loop of a row, round by round."""
    if OURS not in windows:
        return {}
    others = {loop: by_round(of_loop, windows[OURS]) for loop, of_loop in windows.items() if loop not in (OURS, LIMIT)}
    return {loop: Comparison(ratios) for loop, ratios in others.items() if ratios}


def medians(windows: list[Window]) -> dict[str, float]:
    """The figures of a loop in one row, each the median over the rounds."""
    return {
        "per_cpu_second": statistics.median(per_cpu_second(window) for window in windows),
        "rate": statistics.median(window["requests"] / window["seconds"] for window in windows),
        "p50_microseconds": statistics.median(window["p50_microseconds"] for window in windows),
        "p99_microseconds": statistics.median(window["p99_microseconds"] for window in windows),
        "busy": statistics.median(window["server_cpu_seconds"] / window["seconds"] for window in windows),
        "lost": sum(window["lost"] for window in windows),
        "rounds": len(windows),
    }


def summarize_case(case: NetworkCase, found: NetworkMeasurement, goals: NetworkGoals) -> dict[str, Any]:
    """Figures, failures and verdict of one row. The base is uvloop, or asyncio where uvloop has no figure."""
    failures = found.failures.get(case.name, {})
    windows = {loop: all_ for loop, all_ in found.figures.get(case.name, {}).items() if loop not in failures}
    base = UVLOOP if UVLOOP in windows else BASE
    goal = goals.of(case)
    loops: dict[str, dict[str, Any]] = {}
    for loop, of_loop in windows.items():
        multiple = ratio(windows[base], of_loop) if base in windows else None
        present = [window for window in of_loop if window is not None]
        if present:
            loops[loop] = {"ratio": multiple, **medians(present)}
    ratios = {loop: each["ratio"] for loop, each in loops.items() if each["ratio"] is not None}
    peers = beside_peers(windows)
    best = network_goals.best_peer(ratios)
    return {
        "title": case.title,
        "group": case.group,
        "size": case.size,
        "connections": case.connections,
        "base": base,
        "loops": loops,
        "failures": failures,
        "best_peer": best,
        "beside_best_peer": peers[best].words() if best in peers else None,
        "goal": goal.words(),
        "reached": network_goals.verdict(ratios, goal, peers),
    }


def summarize_idle(found: NetworkMeasurement, goals: NetworkGoals, case: NetworkCase) -> dict[str, Any] | None:
    """Idle connections: bytes each, wake-ups, CPU time; None if they were not measured."""
    figures = found.figures.get(case.name)
    if figures is None:
        return None
    loops = {loop: windows[0] for loop, windows in figures.items() if windows and windows[0] is not None}
    ours = loops.get("tepal")
    return {
        "what": case.title,
        "connections": case.connections,
        "loops": loops,
        "failures": found.failures.get(case.name, {}),
        "reached": None if ours is None else ours["wake_ups"] <= goals.wake_ups,
    }


def summarize(chosen: list[NetworkCase], effort: NetworkEffort, found: NetworkMeasurement) -> dict[str, Any]:
    """Everything that a run found out, as one JSON-able dictionary."""
    goals = network_goals.read()
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "python_minor": "{}.{}".format(*sys.version_info),
        "machine": machine(),
        "effort": {
            "rounds": effort.rounds,
            "samples": effort.samples,
            "seconds": effort.seconds,
            "shared_core": effort.server_core == effort.client_core,
            "priority": effort.priority,
        },
        "goals_for_python": goals.python,
        "versions": found.versions,
        "absent": {loop: reason for loop, reason in found.absent.items() if loop != LIMIT},
        "cases": {case.name: summarize_case(case, found, goals) for case in chosen},
    } | {key: summarize_idle(found, goals, case) for key, case in IDLE_CASES.items()}


def renewed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The result ``before`` with the rows of ``after`` in place of its own; each says how it was measured.

    Raises ValueError if the two are of different machines or interpreters.
    """
    for name in ("python", "machine", "versions"):
        if before[name] != after[name]:
            raise ValueError(f"the last run has another {name}: {before[name]} and {after[name]}")
    rows = {name: case | {"effort": after["effort"], "date": after["date"]} for name, case in after["cases"].items()}
    idle = {key: after.get(key) or before.get(key) for key in IDLE_CASES}
    return before | {"cases": before["cases"] | rows} | idle
