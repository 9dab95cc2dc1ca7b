"""The goals of ``network_goals.toml`` and what a run says about them."""

import tomllib
from dataclasses import dataclass
from typing import Any

from measure.comparison import Comparison
from measure.goals import BASE, LEVEL, NOTHING, OURS
from measure.network_cases import NetworkCase
from measure.network_rounds import LIMIT
from measure.process import BENCHES

UVLOOP = "uvloop"


@dataclass(frozen=True)
class NetworkGoal:
    """What the rows of a group must reach, as multiples of others' requests per CPU second."""

    of_limit: float | None = None
    of_best_peer: float | None = None
    of_uvloop: float | None = None
    sizes: tuple[int, ...] | None = None
    connections: tuple[int, ...] | None = None

    def concerns(self, case: NetworkCase) -> bool:
        """Whether the goal is for this row."""
        return (self.sizes is None or case.size in self.sizes) and (
            self.connections is None or case.connections in self.connections
        )

    def words(self) -> str:
        """The goal as the table has it."""
        parts = (("limit", self.of_limit), ("best peer", self.of_best_peer), ("uvloop", self.of_uvloop))
        return ", ".join(f"{value:g} × {name}" for name, value in parts if value is not None)


@dataclass(frozen=True)
class NetworkGoals:
    """All goals, and the CPython version that they are for."""

    python: str
    groups: dict[str, NetworkGoal]
    wake_ups: int

    def of(self, case: NetworkCase) -> NetworkGoal:
        """The goal of a row; one that asks for nothing but to be ahead where there is none."""
        goal = self.groups.get(case.group)
        return goal if goal is not None and goal.concerns(case) else NetworkGoal()


def read() -> NetworkGoals:
    """The goals of ``network_goals.toml``. Raises TypeError on an unknown key in it."""
    with open(BENCHES / "network_goals.toml", "rb") as file:
        table: dict[str, Any] = tomllib.load(file)
    python, idle = table.pop("python"), table.pop("idle")
    return NetworkGoals(python, {name: NetworkGoal(**goal) for name, goal in table.items()}, idle["wake_ups"])


def best_peer(rates: dict[str, float]) -> str | None:
    """The loop with the most requests per CPU second among the peers; None without one."""
    peers = {loop: rate for loop, rate in rates.items() if loop not in (OURS, BASE, LIMIT)}
    return max(peers, key=peers.__getitem__) if peers else None


def missed(ratios: dict[str, float], goal: NetworkGoal) -> str | None:
    """The first figure of the goal that is not reached, in words; None if all are."""
    ours, peer = ratios[OURS], best_peer(ratios)
    asked = (
        (LIMIT, goal.of_limit, ratios.get(LIMIT)),
        (peer, goal.of_best_peer, ratios.get(peer) if peer else None),
        (UVLOOP, goal.of_uvloop, ratios.get(UVLOOP)),
    )
    for name, multiple, theirs in asked:
        if multiple is not None and theirs is not None and ours < multiple * theirs:
            return f"no: {ours / theirs:.2f} × {name}"
    return None


def verdict(ratios: dict[str, float], goal: NetworkGoal, peers: dict[str, Comparison]) -> str:
    """Whether tepal reached its goals in a row.

    ``ratios`` are multiples of one and the same base; ``peers`` has tepal beside each other loop. Returns ``no`` with
    the reason; ``yes``; ``level with LOOP`` (all goals reached, a loop less than 3 % ahead); ``LOOP within noise``
    (further ahead, but in so few rounds that it may be chance); or `NOTHING` without a figure of tepal.
    """
    if OURS not in ratios or not peers:
        return NOTHING
    if (reason := missed(ratios, goal)) is not None:
        return reason
    behind = {loop: peer.median for loop, peer in peers.items() if peer.behind}
    if behind:
        rival = min(behind, key=behind.__getitem__)
        return f"no: {behind[rival]:.2f} × {rival}"
    rival = min(peers, key=lambda loop: peers[loop].median)
    if peers[rival].median >= 1:
        return "yes"
    return f"level with {rival}" if peers[rival].median >= LEVEL else f"{rival} within noise"
