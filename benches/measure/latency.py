"""Rounds of the latency benches: every loop's server gets the same open-loop load.

How much a server can do is measured first, on uvloop, by a closed loop of the same
connections; half and four fifths of that is the load for all.
"""

import datetime
import platform
import statistics
from typing import Any

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


def capacity(this: NetworkRound, case: NetworkCase) -> float | None:
    """Requests per second that uvloop's server answers if it is asked for as many as it can."""
    answer = run_load(this.effort, case, this.ports[UVLOOP][case.group], this.servers[UVLOOP].process.pid)
    return None if isinstance(answer, Failure) else answer["requests"] / answer["seconds"]


def measure_round(this: NetworkRound, cases: list[NetworkCase], rows: dict[tuple[str, float], dict[str, Any]]) -> None:
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
                answer = run_load(this.effort, case, this.ports[loop][case.group], process, most * share)
                if isinstance(answer, Failure):
                    row["failures"][loop] = answer.reason
                else:
                    row["loops"].setdefault(loop, []).append(answer)


def medians(answers: list[dict[str, Any]]) -> dict[str, float]:
    """The figures of one loop in one row."""
    found = {name: statistics.median(one[f"{name}_microseconds"] for one in answers) for name in PERCENTILES}
    found["busy"] = statistics.median(one["server_cpu_seconds"] / one["seconds"] for one in answers)
    return found


def measure(loops: list[str], kinds: list[str], effort: NetworkEffort) -> dict[str, Any]:
    """Run all rounds; returns what the page and the JSON hold."""
    cases = [ALL[KINDS[kind]] for kind in kinds]
    found = NetworkMeasurement()
    rows: dict[tuple[str, float], dict[str, Any]] = {}
    for number in range(effort.rounds):
        show_progress(f"round {number + 1} of {effort.rounds}")
        with open_round(loops, cases, effort, number, found) as this:
            measure_round(this, cases, rows)
    show_progress("")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": machine(),
        "versions": found.versions,
        "absent": found.absent,
        "rounds": effort.rounds,
        "seconds": effort.seconds,
        "rows": [
            {
                "kind": ALL[name].group,
                "title": ALL[name].title,
                "share": share,
                "rate": statistics.median(row["rates"]),
                "loops": {loop: medians(answers) for loop, answers in row["loops"].items()},
                "failures": row["failures"],
            }
            for (name, share), row in rows.items()
        ],
    }
