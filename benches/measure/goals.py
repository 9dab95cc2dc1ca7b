"""The goals of ``goals.toml`` and what a run says about them."""

import tomllib
from dataclasses import dataclass
from typing import Any

from measure.process import BENCHES

OURS = "tepal"
BASE = "asyncio"
NOTHING = "\N{EN DASH}"
"""Stands in tables and charts where there is no figure."""
LEVEL = 0.97
"""From this share of the best peer's figure on, the two are called level: medians
of ratios here are not better than a few per cent."""


@dataclass(frozen=True)
class Goal:
    """What one case must reach, in multiples of asyncio's speed."""

    at_least: float
    peer_then: float
    """The best peer's figure when the goal was set."""
    best_peer: str | None = None
    """The name of that peer."""


@dataclass(frozen=True)
class Goals:
    """All goals, and the CPython version that they are for."""

    python: str
    cases: dict[str, Goal]
    memory_kinds: list[str]


def read() -> Goals:
    """The goals of ``goals.toml``. Raises TypeError on an unknown key in it."""
    with open(BENCHES / "goals.toml", "rb") as file:
        table = tomllib.load(file)
    python, memory = table.pop("python"), table.pop("memory")
    return Goals(python, {name: Goal(**goal) for name, goal in table.items()}, memory["kinds"])


def best_peer(figures: dict[str, float], better: Any = max) -> str | None:
    """The loop with the best figure among all but tepal and asyncio; None without one."""
    peers = {loop: figure for loop, figure in figures.items() if loop not in (OURS, BASE)}
    return better(peers, key=peers.__getitem__) if peers else None


def verdict(figures: dict[str, float], goal: Goal | None) -> str:
    """Whether tepal reached its goal: ``figures`` maps a loop to its ratio.

    Returns ``yes``; ``level with PEER`` (goal reached, best peer less than 3 % ahead);
    ``no`` with the reason; or `NOTHING` without a figure of tepal.
    """
    if OURS not in figures:
        return NOTHING
    ours = figures[OURS]
    if goal is not None and ours < goal.at_least:
        return f"no: {ours:.2f} of {goal.at_least:g}"
    # Nobody is served by a loop slower than asyncio, so asyncio counts as a rival here.
    rival = max((loop for loop in figures if loop != OURS), key=figures.__getitem__)
    if ours >= figures[rival]:
        return "yes"
    if ours >= LEVEL * figures[rival]:
        return f"level with {rival}"
    return f"no: {rival} has {figures[rival]:.2f}"


def memory_verdict(figures: dict[str, float]) -> str:
    """Whether tepal needs fewer bytes than every other loop; `NOTHING` without its figure."""
    if OURS not in figures:
        return NOTHING
    rival = min((loop for loop in figures if loop != OURS), key=figures.__getitem__)
    return "yes" if figures[OURS] < figures[rival] else f"no: {rival} has {figures[rival]:.0f}"
