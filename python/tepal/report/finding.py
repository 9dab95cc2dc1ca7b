"""A finding: something about the program that its author will want to know, with the line it is about."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of finding."""

    name: str
    severity: str
    """``warning`` or ``note``."""
    title: str
    help: str
    """What to do."""
    default: bool = True


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "awaited-at-once",
            "warning",
            "Task awaited at once",
            "A Task that is awaited in the step that makes it runs nothing beside its maker. Await the coroutine.",
        ),
        Kind(
            "dropped",
            "warning",
            "Task dropped",
            "Nobody keeps this Task, so the garbage collector may end it halfway. Keep it in a set, await it, use a "
            "TaskGroup, or make the loop with tepal.EventLoop(keep_tasks=True).",
        ),
        Kind(
            "never-awaited",
            "warning",
            "Coroutine never awaited",
            "Calling a coroutine function runs nothing of it. Await what it returns, or make a Task of it.",
        ),
        Kind(
            "blocking",
            "warning",
            "Blocking",
            "While a step runs, nothing else does. Use the asynchronous call, or asyncio.to_thread().",
        ),
        Kind(
            "stuck",
            "warning",
            "Task that does not end",
            "What this Task waits for can come from nobody that is left, or it swallowed its cancellation and goes on.",
        ),
        Kind(
            "sequential",
            "note",
            "Awaits that could run together",
            "Neither of the two uses the other's result; asyncio.gather() or a TaskGroup would wait for both at once.",
            default=False,
        ),
    )
}

DEFAULT_KINDS = frozenset(kind.name for kind in KINDS.values() if kind.default)


@dataclasses.dataclass
class Finding:
    """One line of the program, and what happened there."""

    kind: str
    message: str
    file: str
    line: int
    function: str
    count: int = 1
    cost: int | None = None
    """Nanoseconds; ``None`` if there is nothing to measure."""
    advice: str = ""
    tasks: list[int] = dataclasses.field(default_factory=list)
    """The numbers of the first Tasks concerned."""
    related: list[tuple[str, int, str]] = dataclasses.field(default_factory=list)
    """Further lines: file, line, what is there. The stack of a block, the second of two awaits."""

    @property
    def severity(self) -> str:
        """``warning`` or ``note``."""
        return KINDS[self.kind].severity

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON has it."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "function": self.function,
            "count": self.count,
            "cost": self.cost,
            "advice": self.advice,
            "tasks": list(self.tasks),
            "related": [list(place) for place in self.related],
        }


def task_called(name: str) -> str:
    """A Task for a person: ``Task poller``, and ``Task-1`` where the name says it."""
    return name if name.startswith("Task-") else f"Task {name}"


def duration(nanoseconds: float) -> str:
    """A time for a person: ``1.23 s``, ``45.6 ms``, ``7.8 us``."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"
