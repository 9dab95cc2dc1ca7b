"""Traces as the recorder makes them, of simulated programs: small ones to look at, large ones to be quick with.

A program is a generator that yields what it waits for; ``Run.inside`` marks the coroutine that it is in. The run has a
clock of its own and a seed, so the same trace comes out each time. The format: docs/inside/trace.md.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SOURCE = """import asyncio


async def child(name: str) -> str:
    await asyncio.sleep(0.02)
    return name


async def main() -> None:
    print(await child("a coroutine"))
    task = asyncio.create_task(child("a Task"))
    print(await task)


asyncio.run(main())
"""
FILES = ["/srv/shop/example.py", "/srv/shop/server.py", "/usr/lib/python3.14/asyncio/tasks.py"]
Program = Iterator["Wait"]


@dataclass
class Wait:
    """What a program yields: for how long it waits, or for which task."""

    kind: str
    text: str
    nanoseconds: int = 0
    target: Task | None = None


@dataclass
class Task:
    """A Task of a run: its row in the trace, its program, and who waits for its end."""

    row: dict[str, Any]
    program: Program
    depth: int = 0
    waiters: list[Task] = field(default_factory=list)
    open_wait: list[Any] | None = None


class Run:
    """A loop with a clock of its own, which writes down what a recorder would."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.now = 1_500
        self.trace: dict[str, Any] = {
            "format": "tepal-trace",
            "version": 1,
            "python": "3.14.0",
            "tepal": "0.1.0",
            "script": FILES[0],
            "arguments": [],
            "started": 1764000000.0,
            "duration": 0,
            "dropped": 0,
            "files": list(FILES),
            "sources": {"0": SOURCE},
            "sites": [
                [0, 10, "main"],
                [0, 11, "main"],
                [0, 12, "main"],
                [0, 5, "child"],
                [1, 40, "serve"],
                [1, 88, "handle"],
                [2, 702, "sleep"],
            ],
            "stacks": [[1], [4], [3, 0]],
            "code": [],
            "tasks": [],
            "steps": [],
            "coroutines": [],
            "waits": [],
            "wakes": [],
            "callbacks": [],
            "blocks": [],
            "findings": [],
            "sums": {},
        }
        self.codes: dict[str, int] = {}
        self.current: Task | None = None
        self._ready: list[Task] = []
        self._due: list[tuple[int, int, Task, str, str]] = []
        self._order = itertools.count()

    @property
    def events(self) -> int:
        """How many events were written down."""
        return sum(len(self.trace[name]) for name in ("steps", "coroutines", "waits", "wakes", "callbacks", "blocks"))

    def create(self, name: str, program: Program, stack: int = 0) -> Task:
        """Make a Task, as ``create_task`` does."""
        row = {
            "id": len(self.trace["tasks"]) + 1,
            "name": name,
            "code": None,
            "created": self.now,
            "stack": stack,
            "parent": self.current and self.current.row["id"],
            "ended": None,
            "outcome": "pending",
            "error": None,
        }
        task = Task(row, program)
        self.trace["tasks"].append(row)
        self._ready.append(task)
        return task

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """One activation of the coroutine ``name`` in the current Task."""
        task = self.current
        assert task is not None
        code = self.codes.setdefault(name, len(self.codes))
        if code == len(self.trace["code"]):
            self.trace["code"].append([name, 0 if name in ("main", "child") else 1, 9 if name == "main" else 4])
        row: list[Any] = [self.now, None, task.row["id"], task.depth, code]
        if task.depth == 0:
            task.row["code"] = code
        self.trace["coroutines"].append(row)
        task.depth += 1
        self.work(0.2)
        yield
        self.work(0.1)
        task.depth -= 1
        row[1] = self.now

    def work(self, microseconds: float) -> None:
        """Let the current step take about so long."""
        self.now += int(microseconds * MICROSECOND * self.random.uniform(0.7, 1.6)) + 1

    def run(self, until: int | None = None) -> dict[str, Any]:
        """Run until nothing is left or the clock says ``until``; return the trace."""
        while self._ready or self._due:
            if not self._ready:
                self.now = max(self.now, self._due[0][0])
            while self._due and self._due[0][0] <= self.now:
                _, _, task, kind, text = heapq.heappop(self._due)
                self.wake(task, kind, None, text)
            if until is not None and self.now > until:
                break
            batch, self._ready = self._ready, []
            for task in batch:
                self._step(task)
        self.trace["duration"] = self.now + 2 * MICROSECOND
        return self.trace

    def wake(self, task: Task, kind: str, cause: Task | None, text: str) -> None:
        """Make ``task`` ready, and write down why."""
        self.trace["wakes"].append([self.now, task.row["id"], kind, cause and cause.row["id"], text])
        self._ready.append(task)

    def callback(self, text: str, microseconds: float) -> None:
        """A callback that is no Task's step runs now."""
        start = self.now
        self.work(microseconds)
        self.trace["callbacks"].append([start, self.now - start, text])

    def _step(self, task: Task) -> None:
        start, self.current = self.now, task
        if task.open_wait is not None:
            task.open_wait[1] = start
            task.open_wait = None
        self.work(0.3)
        wait = next(task.program, None)
        self.work(0.2)
        self.trace["steps"].append([start, self.now - start, task.row["id"]])
        self.current = None
        if wait is None:
            task.row.update(ended=self.now, outcome="finished")
            for waiter in task.waiters:
                self.wake(waiter, "task", task, f"{task.row['name']} ended")
            return
        site = 3 if wait.kind == "timer" else 2 if wait.kind == "task" else 5
        target = wait.target
        task.open_wait = [self.now, None, task.row["id"], wait.kind, wait.text, target and target.row["id"], site]
        self.trace["waits"].append(task.open_wait)
        if target is not None:
            target.waiters.append(task)
        elif wait.nanoseconds >= 0:
            cause = {"timer": "timer", "socket": "descriptor", "executor": "thread"}.get(wait.kind, "callback")
            heapq.heappush(self._due, (self.now + wait.nanoseconds, next(self._order), task, cause, wait.text))


def coroutine_or_task() -> dict[str, Any]:
    """About ten events: a coroutine awaited, then a Task awaited."""
    run = Run()

    def child() -> Program:
        with run.inside("child"):
            yield Wait("timer", "sleep 20 ms", 20 * MILLISECOND)

    def main() -> Program:
        with run.inside("main"):
            yield from child()
            task = run.create("Task-2", child())
            yield Wait("task", "Task-2", target=task)

    run.create("Task-1", main())
    trace = run.run()
    trace["findings"].append(
        {
            "kind": "awaited-at-once",
            "severity": "warning",
            "file": FILES[0],
            "line": 11,
            "function": "main",
            "count": 1,
            "message": "a Task is created and awaited at once",
            "cost": 8_900,
            "advice": "write: await child('a Task')",
            "tasks": [2],
        }
    )
    return trace


def server(events: int, seed: int = 7) -> dict[str, Any]:
    """A server under load, of about ``events`` events: a Task per connection, coroutines in it, a lock and a queue."""
    run = Run(seed)
    choose = run.random

    def query(number: int) -> Program:
        with run.inside("Pool.query"):
            if number % 5 == 0:
                yield Wait("lock", "Lock at pool.py:40", int(choose.expovariate(1 / 3e5)))
            yield Wait("socket", "read 10.0.0.3:5432", int(choose.expovariate(1 / 1.5e6)) + 50_000)

    def render(number: int) -> Program:
        with run.inside("render_page"):
            run.work(12)
            if number % 7 == 0:
                yield Wait("executor", "run_in_executor(compress)", int(choose.expovariate(1 / 2e6)))

    def handle(number: int) -> Program:
        with run.inside("Server.handle"):
            yield Wait("socket", f"read 10.0.{number % 200}.{number % 251}:{40000 + number % 20000}", 200_000)
            yield from query(number)
            yield from render(number)
            if number % 11 == 0:
                child = run.create(f"audit-{number}", audit(number))
                yield Wait("task", f"audit-{number}", target=child)
            yield Wait("socket", "write", int(choose.expovariate(1 / 1e5)))

    def audit(number: int) -> Program:
        with run.inside("audit"):
            yield Wait("queue", "Queue.put at audit.py:12", 90_000 + number)
            yield Wait("timer", "sleep 1 ms", MILLISECOND)

    def serve() -> Program:
        with run.inside("Server.serve"):
            number = 0
            while run.events < events * 0.985:
                number += 1
                run.callback("accept on port 8080", 6)
                run.create(f"connection-{number}", handle(number), stack=1)
                if number % 400 == 0:
                    start = run.now
                    run.work(9_000)
                    run.trace["blocks"].append([start, run.now - start, 1, 2])
                yield Wait("socket", "accept on port 8080", int(choose.expovariate(1 / 2e5)))

    def forever() -> Program:
        with run.inside("watch"):
            yield Wait("event", "Event at server.py:20", -1)

    run.create("Task-1", serve())
    run.create("watcher", forever())
    trace = run.run()
    trace["findings"].append(
        {
            "kind": "blocking",
            "severity": "warning",
            "file": FILES[1],
            "line": 40,
            "function": "serve",
            "count": len(trace["blocks"]),
            "message": "steps of serve() held the loop for up to 14 ms",
            "cost": sum(block[1] for block in trace["blocks"]),
            "advice": "move it into a thread",
            "tasks": [1],
        }
    )
    trace["findings"].append(
        {
            "kind": "waiting",
            "severity": "note",
            "file": FILES[1],
            "line": 20,
            "function": "watch",
            "count": 1,
            "message": "watcher waits for an Event since the beginning",
            "cost": None,
            "advice": "",
            "tasks": [2],
        }
    )
    return trace


HOSTILE = (
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror='window.hacked=1'>",
    "\u2028window.hacked=1//\u2029",
    "{{script}}{{trace}}",
    "-->]]>\"'`${window.hacked=1}\x00\x1b[31m\ud83d",
    "\u202edrawkcab",
)


def hostile() -> dict[str, Any]:
    """A trace in which everything that a program can name tries to leave its place."""
    trace = coroutine_or_task()
    names = itertools.cycle(HOSTILE)
    rename: Callable[[], str] = lambda: next(names)  # noqa: E731
    trace["script"] = "".join(HOSTILE)
    trace["arguments"] = list(HOSTILE)
    trace["files"] = [rename() for _ in trace["files"]]
    trace["sources"] = {"0": "\n".join(HOSTILE * 3)}
    for site in trace["sites"]:
        site[2] = rename()
    for code in trace["code"]:
        code[0] = rename()
    for task in trace["tasks"]:
        task.update(name=rename(), error=rename())
    for row in trace["waits"]:
        row[4] = rename()
    for row in trace["wakes"]:
        row[4] = rename()
    for found in trace["findings"]:
        found.update(message=rename(), advice=rename(), function=rename(), file=rename(), kind=rename())
    trace["sums"] = {rename(): rename()}
    return trace


TRACES: dict[str, Callable[[], dict[str, Any]]] = {
    "10": coroutine_or_task,
    "1000": lambda: server(1_000),
    "100000": lambda: server(100_000),
    "hostile": hostile,
}
