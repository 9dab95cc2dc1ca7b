"""What a scenario is, and how the files in scenarios/ announce theirs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scenario:
    """One thing that a program does with a library, run once on each loop."""

    library: str
    """Its name in libraries.toml; when that did not install, the scenario is skipped."""
    name: str
    function: Callable[[Any], Any]
    """Takes a Stage, asserts what must hold on any loop, and returns what was observed, as JSON has it.

    A coroutine function runs on the loop under test; a plain function starts programs that do.
    """
    services: tuple[str, ...]
    """The servers that it needs, by their names in services/."""
    also: tuple[str, ...]
    """Other libraries of libraries.toml that it needs."""
    seconds: float
    """The time that one run of it may take."""


_scenarios: list[Scenario] = []


def scenario(
    library: str, name: str, *, services: tuple[str, ...] = (), also: tuple[str, ...] = (), seconds: float = 60.0
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Registers the decorated function as a scenario; for the arguments see `Scenario`."""

    def register(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if any((other.library, other.name) == (library, name) for other in _scenarios):
            raise ValueError(f"{library} has two scenarios called {name!r}")
        _scenarios.append(Scenario(library, name, function, services, also, seconds))
        return function

    return register


def registered() -> tuple[Scenario, ...]:
    """Returns every scenario of the modules that have been imported, in their order."""
    return tuple(_scenarios)
