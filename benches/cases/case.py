"""What a benchmark case is, and how a group file declares its cases.

A case is one coroutine function ``async def run(repeats)`` that performs
``repeats * operations`` operations and returns how many it *saw happen*, counted
by results, callbacks or both. The measuring process compares the two numbers and
refuses the sample when they differ, so a loop that silently drops work gets no
figure at all.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

Run = Callable[[int], Coroutine[Any, Any, int]]
TaskFactory = Literal["untouched", "eager"]
Cores = Literal["one", "all"]


@dataclass(frozen=True)
class Case:
    """One thing whose cost is measured on every loop."""

    name: str
    """Short name, used by ``--cases``, by ``goals.toml`` and in the JSON."""
    title: str
    """What the table and the chart call it."""
    group: str
    """Name of the file of the group, for the order and headings of the report."""
    operations: int
    """Operations in one repeat; a figure is CPU time divided by all operations."""
    run: Run
    """``async def run(repeats: int) -> int``: does the work, returns the count."""
    minimum_python: tuple[int, int] = (3, 11)
    """First CPython that has what the case needs."""
    control: bool = False
    """True where the loop takes no part, so that every ratio should be 1."""
    task_factory: TaskFactory = "untouched"
    """``eager`` installs the eager task factory that the loop documents."""
    cores: Cores = "one"
    """``all`` lifts the pin to one core, for cases about two threads at once."""


class CaseGroup:
    """The cases of one file, in the order in which they are written there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[Case] = []

    def case(
        self,
        name: str,
        title: str,
        *,
        operations: int = 1,
        minimum_python: tuple[int, int] = (3, 11),
        control: bool = False,
        task_factory: TaskFactory = "untouched",
        cores: Cores = "one",
    ) -> Callable[[Run], Run]:
        """Decorator that declares the function below it as a case.

        The arguments are the fields of `Case`. Returns the function unchanged.
        """

        def declare(run: Run) -> Run:
            self.cases.append(
                Case(
                    name,
                    title,
                    self.name,
                    operations,
                    run,
                    minimum_python,
                    control,
                    task_factory,
                    cores,
                )
            )
            return run

        return declare
