"""What is the difference between ``await child()`` and ``await create_task(child())``?

In 2014 Guido van Rossum showed two lines on a slide about the library that became asyncio; in today's spelling::

    result = await some_coroutine(...)
    result = await create_task(some_coroutine(...))

and below them: "Task can make progress without waiting for it, as long as you wait for something else". Many have
looked at the two lines and seen twice the same. Three experiments show the difference:

1. in which order things run,
2. what runs at the same time,
3. what one call costs,

each on asyncio's own event loop and on tepal's, by turns, with the practical advice at the end. Start it with
``python -m tepal run examples/coroutine_or_task.py``, or without ``-m tepal run``: it chooses its loops itself.
"""

import asyncio
import math
import platform
import statistics
import textwrap
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import tepal

NAP = 0.02  # seconds that each child of experiment 2 waits
NAP_ROUNDS = 3
CALLS = 2_000  # in one round of one line of experiment 3
CALL_ROUNDS = 11


@dataclass(frozen=True)
class Library:
    """An event loop, and the task factory that starts tasks eagerly on it (asyncio has one since Python 3.12)."""

    name: str
    new_event_loop: Callable[[], asyncio.AbstractEventLoop]
    eager_task_factory: Any

    def run(self, main: Coroutine[Any, Any, Any], *, eager: bool = False) -> Any:
        """Run ``main``; if ``eager``, a task begins within the very step that makes it, not in a later one."""
        with asyncio.Runner(loop_factory=self.new_event_loop) as runner:
            if eager:
                runner.get_loop().set_task_factory(self.eager_task_factory)
            return runner.run(main)


LIBRARIES = (
    Library("asyncio", asyncio.SelectorEventLoop, getattr(asyncio, "eager_task_factory", None)),
    Library("tepal", tepal.new_event_loop, tepal.eager_task_factory),
)


# Experiment 1: the order. A coroutine is a call that has not begun; it runs inside its caller, when the caller awaits
# it. A Task belongs to the loop, which runs it as soon as the caller waits, for whatever.


async def child(say: Callable[[str], None]) -> None:
    say("    child begins")
    await asyncio.sleep(0)  # lets others run, as waiting for a socket would
    say("    child ends")


async def something_else(say: Callable[[str], None]) -> None:
    say("waits for something else")
    for _ in range(3):
        await asyncio.sleep(0)
    say("has something else")


async def caller(say: Callable[[str], None], make: Callable[[Any], Awaitable[None]]) -> None:
    work = make(child(say))
    say("has made it")
    await something_else(say)
    say("waits for it")
    await work
    say("has its result")


def coroutine_itself(coroutine: Any) -> Any:
    return coroutine


def show_order() -> None:
    columns: dict[str, list[str]] = {}
    for title, make, eager in (
        ("work = child()", coroutine_itself, False),
        ("work = create_task(child())", asyncio.create_task, False),
        ("the same, eager task factory", asyncio.create_task, True),
    ):
        orders = []
        for library in LIBRARIES:
            if not eager or library.eager_task_factory:
                lines: list[str] = []
                library.run(caller(lines.append, make), eager=eager)
                orders.append(lines)
        assert all(order == orders[0] for order in orders), orders  # which loop runs it must not matter
        columns[title] = orders[0]
    print("1. Order. The caller makes it, waits for something else, and only then for it:\n")
    width = 32
    for row in (columns, ["-" * (width - 4)] * len(columns), *zip(*columns.values(), strict=True)):
        print("   " + "".join(cell.ljust(width) for cell in row).rstrip())
    print("\n   The same on both loops.\n")


# Experiment 2: concurrency. Three children wait 20 ms each.


async def nap() -> None:
    await asyncio.sleep(NAP)


async def await_three_coroutines() -> None:
    await nap()
    await nap()
    await nap()


async def await_three_tasks_at_once() -> None:
    await asyncio.create_task(nap())  # a Task, but nothing else goes on while we wait for it
    await asyncio.create_task(nap())
    await asyncio.create_task(nap())


async def make_three_tasks_then_await() -> None:
    first, second, third = asyncio.create_task(nap()), asyncio.create_task(nap()), asyncio.create_task(nap())
    await first
    await second
    await third


async def make_three_tasks_in_a_group() -> None:
    async with asyncio.TaskGroup() as group:  # the same, and no child is forgotten if one of them fails
        for _ in range(3):
            group.create_task(nap())


def show_concurrency() -> None:
    print(f"2. Concurrency. Three children that wait {NAP * 1e3:.0f} ms each; milliseconds on the clock:\n")
    print(f"   {'':44}" + "".join(f"{library.name:>10}" for library in LIBRARIES))
    for title, main in (
        ("await child(), three times", await_three_coroutines),
        ("await create_task(child()), three times", await_three_tasks_at_once),
        ("three create_task(child()), then three await", make_three_tasks_then_await),
        ("the same by TaskGroup", make_three_tasks_in_a_group),
    ):
        medians = by_turns(NAP_ROUNDS, [(library, main, False) for library in LIBRARIES], time.perf_counter)
        print(f"   {title:44}" + "".join(f"{median * 1e3:10.0f}" for median in medians))
    print()


# Experiment 3: the cost. The child does nothing at all, so what is left is the way to it and back.


async def returns_at_once() -> None:
    pass


async def suspends_once() -> None:
    await asyncio.sleep(0)


Child = Callable[[], Coroutine[Any, Any, None]]


async def await_coroutines(child: Child) -> None:
    for _ in range(CALLS):
        await child()


async def await_tasks(child: Child) -> None:
    for _ in range(CALLS):
        await asyncio.create_task(child())


def show_cost() -> dict[str, list[float]]:
    """Print the table of costs; return the seconds that one call took, by line, one figure per library."""
    print("3. Cost of one call, in nanoseconds of processor time, and as a multiple of the plain await:\n")
    print(f"   {'':42}" + "".join(f"{library.name:>10}{'':8}" for library in LIBRARIES) + " asyncio/tepal")
    costs: dict[str, list[float]] = {}
    for child, what in ((returns_at_once, "returns without suspending"), (suspends_once, "suspends once")):
        print(f"   The child {what}:")
        for title, way, eager in (
            ("await child()", await_coroutines, False),
            ("await create_task(child())", await_tasks, False),
            ("the same, eager task factory", await_tasks, True),
        ):
            able = [library for library in LIBRARIES if not eager or library.eager_task_factory]
            programs = [(library, lambda way=way, child=child: way(child), eager) for library in able]
            medians = [median / CALLS for median in by_turns(CALL_ROUNDS, programs, time.process_time)]
            line = [math.nan] * (len(LIBRARIES) - len(able)) + medians  # only the first can be unable
            costs[f"{title}, {what}"] = line
            plain = costs[f"await child(), {what}"]
            print(f"     {title:40}" + "".join(map(cost_cell, line, plain)) + f"{ratio(*line):>14}".rstrip())
    print()
    return costs


def cost_cell(seconds: float, plain: float) -> str:
    if math.isnan(seconds):  # this library has no such thing
        return f"{'-':>10}{'':8}"
    return f"{seconds * 1e9:10,.0f} {f'x {seconds / plain:.1f}':<7}"


def ratio(asyncio_seconds: float, tepal_seconds: float) -> str:
    return "" if math.isnan(asyncio_seconds) else f"{asyncio_seconds / tepal_seconds:.1f}"


def by_turns(rounds: int, programs: list[tuple[Library, Any, bool]], clock: Callable[[], float]) -> list[float]:
    """Run each program once per round, one after the other, and return each one's median in ``clock``'s seconds.

    What disturbs a machine for a while then disturbs all of them alike.
    """
    taken: list[list[float]] = [[] for _ in programs]
    for _ in range(rounds):
        for times, (library, main, eager) in zip(taken, programs, strict=True):
            times.append(library.run(timed(main, clock), eager=eager))
    return [statistics.median(times) for times in taken]


async def timed(main: Callable[[], Coroutine[Any, Any, None]], clock: Callable[[], float]) -> float:
    begin = clock()
    await main()
    return clock() - begin


def advise(costs: dict[str, list[float]]) -> None:
    at_once = "returns without suspending"
    plain, tasks = costs[f"await child(), {at_once}"], costs[f"await create_task(child()), {at_once}"]
    eager = costs[f"the same, eager task factory, {at_once}"]
    border = [
        f"{(task - call) * 1e6:.1f} microseconds on {library.name}"
        for library, call, task in zip(LIBRARIES, plain, tasks, strict=True)
    ]
    eagerly = [
        f"{(task - call) * 1e6:.1f} microseconds on {library.name}"
        for library, call, task in zip(LIBRARIES, plain, eager, strict=True)
        if not math.isnan(task)
    ]
    print("What follows:\n")
    for advice in (
        "Await the coroutine itself if you can do nothing before you have its result. It is a call, runs within your "
        "own Task, and needs no help from the loop.",
        "Make a Task if something is to go on while you wait for something else. Keep a reference to it, or make it in "
        "a TaskGroup: the loop keeps none, and its exception is reported only when somebody asks.",
        "A Task that is awaited on the spot makes nothing faster. What it buys is a border: it can be cancelled alone, "
        f"has a name, and works on a copy of the context variables. Here the border cost {' and '.join(border)}.",
        "With an eager task factory, a child that ends without suspending never meets the loop; the border then cost "
        f"{' and '.join(eagerly)}. Mind that such a child runs before create_task() returns.",
    ):
        print(textwrap.fill(advice, 106, initial_indent="   * ", subsequent_indent="     "))


if __name__ == "__main__":
    print(
        f"Awaiting a coroutine and awaiting a Task, on {platform.python_implementation()} {platform.python_version()}\n"
    )
    show_order()
    show_concurrency()
    advise(show_cost())
