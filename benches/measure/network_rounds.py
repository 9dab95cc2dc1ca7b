"""Interleaved rounds of the network benches.

In one round each loop has one server process, and so has the limit. All are alive
together; the load generator drives one at a time, row by row, in an order that
rotates by round. Servers have one core and the load generator another.
"""

import json
import math
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure.network_cases import IDLE_CASES, NetworkCase
from measure.process import BENCHES, Failure, JsonProcess, without_paths
from measure.rounds import show_progress

LIMIT = "limit"
"""The name of the echo server without Python."""
TLS_LIMIT = "limit above TLS"
"""The same above TLS: another process, whose figures stand in the limit's column."""
PROGRAMS = BENCHES.parent / "build" / "target" / "load" / "release"
START_LIMIT = 60.0
"""Seconds for a server process to import its loop and to start all servers."""
IDLE_SECONDS = 2.0
"""How long idle connections are looked at."""
CONNECT_LIMIT = 30.0
"""Seconds that a load may take beyond its window."""


@dataclass(frozen=True)
class NetworkEffort:
    """How much is measured."""

    rounds: int
    samples: int
    """Windows of each loop per row and round, of which the best counts."""
    seconds: float
    """Length of a window."""
    warm_up: float
    """Seconds of load before it."""
    server_core: int
    client_core: int
    priority: bool = False
    """Whether servers and load run with real-time priority."""


def cores() -> tuple[int, int]:
    """The server's core and the client's: the last and the first; one and the same where there is only one."""
    available = sorted(os.sched_getaffinity(0))
    return available[-1], available[0]


def take_priority() -> bool:
    """Run this process and all that it starts above everything else of the machine; whether that is permitted.

    Another process on the server's core costs the server more than its turn: the caches have to be filled anew.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
    except PermissionError:
        return False
    return True


@dataclass
class NetworkMeasurement:
    """All that the rounds found out."""

    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """Loop to reason, for those that could not be imported."""
    figures: dict[str, dict[str, list[dict[str, Any] | None]]] = field(default_factory=dict)
    """Case to loop to the load generator's answer per round, None for a round that failed."""
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    """Case to loop to the reason of the last failure."""

    def note(self, case: str, loop: str, answer: dict[str, Any] | Failure) -> None:
        """Keep what one round found out."""
        of_loop = self.figures.setdefault(case, {}).setdefault(loop, [])
        if isinstance(answer, Failure):
            self.failures.setdefault(case, {})[loop] = answer.reason
            of_loop.append(None)
        else:
            of_loop.append(answer)

    def hopeless(self, case: str, loop: str) -> bool:
        """Whether the loop has failed in this case before: no further time is spent on it."""
        return loop in self.failures.get(case, {})


def run_load(
    effort: NetworkEffort, case: NetworkCase, port: int, process: int, rate: float | None = None
) -> dict[str, Any] | Failure:
    """Drive the server at ``port``, whose CPU time is that of ``process``; with a ``rate`` as an open loop."""
    seconds = IDLE_SECONDS if case.load == "idle" else effort.seconds
    command = [
        str(PROGRAMS / "load"),
        case.load,
        *("--address", f"127.0.0.1:{port}"),
        *("--pid", str(process)),
        *("--connections", str(case.connections)),
        *("--size", str(case.size)),
        *("--warm-up", str(effort.warm_up)),
        *("--seconds", str(seconds)),
        *("--core", str(effort.client_core)),
        *(() if rate is None else ("--rate", str(rate))),
        *(("--tls",) if case.tls else ()),
    ]
    # On a busy machine 10,000 connections, one after the other, each with an answer, take their time.
    limit = effort.warm_up + seconds + CONNECT_LIMIT * (4 if case.load == "idle" else 1)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return Failure(f"the load did not end within {limit:.0f} s")
    lines = (done.stdout or done.stderr).strip().splitlines()
    try:
        found = json.loads(lines[-1])
    except (IndexError, ValueError):
        return Failure(without_paths(f"the load generator ended with status {done.returncode}: {' '.join(lines)}"))
    if "reason" in found:
        return Failure(found["reason"])
    if found.get("requests") == 0:
        return Failure("no answer within the window")
    return dict(found)


def cost(answer: dict[str, Any] | Failure) -> float:
    """CPU time per answer; infinite for a failure, 0 for what has no requests."""
    if isinstance(answer, Failure):
        return math.inf
    return float(answer["server_cpu_seconds"] / answer["requests"]) if "requests" in answer else 0.0


def kind_of(case: NetworkCase, server: str) -> str | None:
    """What ``server`` calls the kind of server that a row asks for; None if it has none to measure."""
    if server in (LIMIT, TLS_LIMIT):
        return case.limit if case.tls == (server == TLS_LIMIT) else None
    return case.group


def column_of(server: str) -> str:
    """In which column the figures of ``server`` stand."""
    return LIMIT if server == TLS_LIMIT else server


class NetworkRound:
    """One round: the servers of all loops, alive at once."""

    def __init__(
        self, loops: list[str], cases: list[NetworkCase], effort: NetworkEffort, seed: int, found: NetworkMeasurement
    ) -> None:
        self.kinds = list(dict.fromkeys(case.group for case in cases))
        self.idle = all(case.load == "idle" for case in cases)
        self.effort = effort
        self.seed = seed
        self.found = found
        self.servers: dict[str, JsonProcess] = {}
        self.ports: dict[str, dict[str, int]] = {}
        self.missing: dict[str, dict[str, str]] = {}
        first = seed % len(loops)
        for loop in loops[first:] + loops[:first]:
            if loop not in found.absent:
                self.start(loop)

    def start(self, loop: str) -> None:
        """Start the server process of ``loop``; a loop that cannot be imported is absent from now on."""
        core = str(self.effort.server_core)
        if loop == LIMIT:
            process = JsonProcess("", core, program=PROGRAMS / "echo-limit")
        elif loop == TLS_LIMIT:
            process = JsonProcess("measure.tls_limit", core, *(("frugal",) if self.idle else ()))
        else:
            process = JsonProcess("measure.server_process", loop, core, ",".join(self.kinds), seed=self.seed)
        greeting = process.answer(START_LIMIT)
        if isinstance(greeting, Failure):
            self.found.absent[loop] = greeting.reason
            self.servers.pop(loop, None)
            return
        if loop not in (LIMIT, TLS_LIMIT):
            self.found.versions[loop] = greeting["version"]
        self.servers[loop] = process
        self.ports[loop] = greeting["ports"]
        self.missing[loop] = greeting.get("missing", {})

    def measure(self, case: NetworkCase) -> None:
        """Drive the server of each loop in turn, several times around; the best window counts.

        Noise adds CPU time (cold caches after a preemption, the host's own work), so the window
        with the least CPU time per answer is the nearest to the truth.
        """
        best: dict[str, dict[str, Any] | Failure] = {}
        for _ in range(1 if case.load == "idle" else self.effort.samples):
            for loop in list(self.servers):
                answer = self.visit(case, loop)
                if answer is None:
                    continue
                if isinstance(answer, Failure):
                    self.found.note(case.name, column_of(loop), answer)
                    best.pop(loop, None)
                elif loop not in best or cost(answer) < cost(best[loop]):
                    best[loop] = answer
        for loop, answer in best.items():
            self.found.note(case.name, column_of(loop), answer)

    def visit(self, case: NetworkCase, loop: str) -> dict[str, Any] | Failure | None:
        """One window of a loop in a row; None where there is nothing to measure."""
        kind = kind_of(case, loop)
        if kind is None or self.found.hopeless(case.name, column_of(loop)):
            return None
        if kind not in self.ports[loop]:
            return Failure(without_paths(self.missing[loop].get(kind, "no such server")))
        return self.drive(case, loop, kind)

    def drive(self, case: NetworkCase, loop: str, kind: str) -> dict[str, Any] | Failure:
        """One window; a server that failed is replaced."""
        answer = run_load(self.effort, case, self.ports[loop][kind], self.servers[loop].process.pid)
        if not self.servers[loop].alive:
            death = self.servers[loop].death()
            answer = Failure(f"the server died: {death.reason}")
        if isinstance(answer, Failure):
            # What a failed load left behind in the server must not weigh on the next row.
            self.servers.pop(loop).close()
            self.start(loop)
        return answer

    def close(self) -> None:
        """End all servers of the round."""
        for process in self.servers.values():
            process.close()


@contextmanager
def open_round(
    loops: list[str], cases: list[NetworkCase], effort: NetworkEffort, seed: int, found: NetworkMeasurement
) -> Iterator[NetworkRound]:
    """A `NetworkRound` with the servers that ``cases`` need, which end with the block."""
    this = NetworkRound(loops, cases, effort, seed, found)
    try:
        yield this
    finally:
        this.close()


def measure_rounds(
    loops: list[str], cases: list[NetworkCase], effort: NetworkEffort, *, idle: bool
) -> NetworkMeasurement:
    """Measure ``cases`` on ``loops`` and on the limit; with ``idle`` also idle connections, bare ones and of TLS.

    Those get servers of their own: uvicorn, for one, wakes its loop ten times a second.
    """
    found = NetworkMeasurement()
    everyone = [*loops, LIMIT, *([TLS_LIMIT] if any(case.tls and case.limit for case in cases) else [])]
    for number in range(effort.rounds):
        with open_round(everyone, cases, effort, number, found) as this:
            for case in cases:
                show_progress(f"round {number + 1} of {effort.rounds}: {case.group}, {case.title}")
                this.measure(case)
        show_progress("")
    if idle:
        show_progress("idle connections")
        for case in IDLE_CASES.values():
            with open_round(everyone, [case], effort, 0, found) as this:
                this.measure(case)
        show_progress("")
    return found


def programs_are_built() -> Path | None:
    """None, or the program that is missing."""
    names = ("load", "echo-limit", "libbench_load.so")
    return next((PROGRAMS / name for name in names if not (PROGRAMS / name).exists()), None)
