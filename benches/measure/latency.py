"""Rounds of the latency benches: every loop's server gets the same open-loop load.

How much a server can do is measured first, on uvloop, by a closed loop of the same
connections; half and four fifths of that is the load for all.
"""

import datetime
import platform
import statistics
import time
from typing import Any

from measure.comparison import Comparison
from measure.goals import OURS
from measure.network_cases import ALL, NetworkCase
from measure.network_goals import UVLOOP
from measure.network_rounds import NetworkEffort, NetworkMeasurement, NetworkRound, open_round, run_load
from measure.process import Failure
from measure.rounds import show_progress
from measure.summary import machine

KINDS = {
    "protocol": "protocol_1k_100",
    "streams": "streams_1k_100",
    "sock": "sock_1k_100",
    "uvicorn": "uvicorn_100",
    "aiohttp": "aiohttp_100",
}
"""Kind of server to the row of the network benches whose connections and messages it has."""
SHARES = (0.5, 0.8)
"""The loads, as shares of what uvloop can do."""
PERCENTILES = ("p50", "p99", "p999")
RESTING = 0.5
"""How long all rest between two loops, as a share of the time that the load runs."""
LEVEL = 0.95
"""Latencies this near to the best are level with it."""


def capacity(this: NetworkRound, case: NetworkCase) -> float | None:
    """Requests per second that uvloop's server answers if it is asked for as many as it can."""
    answer = run_load(this.effort, case, this.ports[UVLOOP][case.group], this.servers[UVLOOP].process.pid)
    return None if isinstance(answer, Failure) else answer["requests"] / answer["seconds"]


def rest(effort: NetworkEffort) -> None:
    """Let the others of the machine have their turn.

    The load generator never sleeps, and the kernel stops what runs with real-time priority for 95 % of a second.
    """
    if effort.priority:
        time.sleep((effort.seconds + effort.warm_up) * RESTING)


def measure_round(
    this: NetworkRound, number: int, cases: list[NetworkCase], rows: dict[tuple[str, float], dict[str, Any]]
) -> None:
    """All loops at all loads, once."""
    for case in cases:
        most = capacity(this, case) if case.group in this.ports.get(UVLOOP, {}) else None
        if most is None:
            continue
        for share in SHARES:
            row = rows.setdefault((case.name, share), {"rates": [], "loops": {}, "failures": {}})
            row["rates"].append(most * share)
            for loop in list(this.servers):
                if case.group not in this.ports[loop]:
                    row["failures"][loop] = this.missing[loop].get(case.group, "no such server")
                    continue
                process = this.servers[loop].process.pid
                rest(this.effort)
                answer = run_load(this.effort, case, this.ports[loop][case.group], process, most * share)
                if isinstance(answer, Failure):
                    row["failures"][loop] = answer.reason
                else:
                    row["loops"].setdefault(loop, {})[number] = answer


def medians(answers: list[dict[str, Any]]) -> dict[str, float]:
    """The figures of one loop in one row."""
    found = {name: statistics.median(one[f"{name}_microseconds"] for one in answers) for name in PERCENTILES}
    found["busy"] = statistics.median(one["server_cpu_seconds"] / one["seconds"] for one in answers)
    return found


def beside_peers(answers: dict[str, dict[int, dict[str, Any]]]) -> dict[str, dict[str, bool]]:
    """Percentile to peer: whether the peer's latency is the lower one beyond noise.

    ``answers`` are the load generator's, by loop and number of the round.
    """
    ours = answers.get(OURS, {})
    found: dict[str, dict[str, bool]] = {}
    for percentile in PERCENTILES:
        key = f"{percentile}_microseconds"
        for loop, theirs in answers.items():
            both = theirs.keys() & ours.keys()
            ratios = tuple(theirs[number][key] / max(ours[number][key], 1e-9) for number in both)
            if loop != OURS and ratios:
                found.setdefault(percentile, {})[loop] = Comparison(ratios, LEVEL).behind
    return found


def measure(loops: list[str], kinds: list[str], effort: NetworkEffort) -> dict[str, Any]:
    """Run all rounds; returns what the page and the JSON hold."""
    cases = [ALL[KINDS[kind]] for kind in kinds]
    found = NetworkMeasurement()
    rows: dict[tuple[str, float], dict[str, Any]] = {}
    for number in range(effort.rounds):
        show_progress(f"round {number + 1} of {effort.rounds}")
        with open_round(loops, cases, effort, number, found) as this:
            measure_round(this, number, cases, rows)
    show_progress("")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": machine(),
        "versions": found.versions,
        "absent": found.absent,
        "rounds": effort.rounds,
        "priority": effort.priority,
        "seconds": effort.seconds,
        "rows": [
            {
                "kind": ALL[name].group,
                "title": ALL[name].title,
                "share": share,
                "rate": statistics.median(row["rates"]),
                "loops": {loop: medians(list(answers.values())) for loop, answers in row["loops"].items()},
                "beside": beside_peers(row["loops"]),
                "failures": row["failures"],
            }
            for (name, share), row in rows.items()
        ],
    }
