"""Runs a random program on a loop and records what happened, in order.

Two loops are alike when every program leaves the same trace on both.  A program
without timers is traced together with the turns of the loop: its driver ticks once a
turn, so that a callback one turn early or late shows.  A program with timers counts
time in slots, far enough apart that the machine's load does not change their order.

A task only awaits futures and tasks started after it, so that no ring of awaiting
tasks arises: cancelling such a ring recurses without end on asyncio as well.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import re
import types
from collections.abc import Awaitable, Callable
from typing import Any

from programs import Operation, Program

TICKS = 25  # turns that a program without timers gets before it is cancelled
ADDRESSES = re.compile(r"0x[0-9a-f]+")


class Planned(Exception):
    """Raised because the program says so."""


def text_of(error: BaseException) -> tuple[Any, ...]:
    """An error without what differs from run to run: object texts and addresses."""
    if isinstance(error, BaseExceptionGroup):
        return ("group", *(text_of(each) for each in error.exceptions))
    if isinstance(error, (Planned, asyncio.CancelledError)):
        return (type(error).__name__, *error.args)
    return (type(error).__name__, str(error).split("<")[0])


class Machine:
    """One run of one program.

    ``make_task`` is ``(loop, coroutine, **keywords) -> task``; ``unit`` is the length of a
    slot of time in seconds.
    """

    def __init__(
        self,
        program: Program,
        loop: asyncio.AbstractEventLoop,
        make_task: Callable[..., asyncio.Task[Any]],
        unit: float,
        eager: bool,
    ) -> None:
        self.program = program
        self.loop = loop
        self.make_task = make_task
        self.unit = unit
        self.eager = eager
        self.trace: list[tuple[Any, ...]] = []
        self.tasks: list[Any] = []
        self.begun: set[int] = set()
        self.kept: list[asyncio.Future[Any]] = []
        self.callbacks: dict[int, Callable[..., None]] = {}
        self.variable: contextvars.ContextVar[int] = contextvars.ContextVar("v", default=-1)
        self.nudges = 0

    # The trace.

    def log(self, *entry: Any) -> None:
        self.trace.append(entry)

    def report(self, loop: Any, context: dict[str, Any]) -> None:
        """The exception handler."""
        error = context.get("exception")
        words = ADDRESSES.sub("", context["message"]).split("<")[0]
        self.log("report", words, None if error is None else text_of(error))

    # Running.

    def run(self) -> list[tuple[Any, ...]]:
        self.loop.set_exception_handler(self.report)
        self.futures = [self.loop.create_future() for _ in range(4)]
        self.loop.run_until_complete(self.drive())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        for index, task in enumerate(self.tasks):
            self.log("final", index, self.state(task), task.cancelling())
        for index, future in enumerate(self.futures):
            self.log("final future", index, self.state(future))
        for future in self.kept:
            self.state(future)
        return self.trace

    def state(self, future: Any) -> tuple[Any, ...]:
        if not future.done():
            return ("pending",)
        if future.cancelled():
            return ("cancelled",)
        error = future.exception()
        return text_of(error) if error else ("result", future.result())

    async def drive(self) -> None:
        self.events = [asyncio.Event() for _ in range(2)]
        self.queue: asyncio.Queue[int] = asyncio.Queue(2)
        self.lock = asyncio.Lock()
        self.limit = asyncio.Semaphore(2)
        self.start = self.loop.time()
        for number in range(self.program.started):
            self.begin(number)
        if self.program.timed:
            await asyncio.sleep(self.deadline(self.program.slots + 1) - self.loop.time())
        else:
            for tick in range(TICKS):
                self.log("tick", tick)
                await asyncio.sleep(0)
        await self.wind_down()

    async def wind_down(self) -> None:
        """Cancel what still waits until all of it has ended."""
        for turn in range(400):
            waiting = [task for task in self.tasks if not task.done()]
            if not waiting:
                break
            if turn % 4 == 0:
                for task in waiting:
                    self.log("wind down", task.cancel("wind down"))
            await asyncio.sleep(0)
        else:
            raise AssertionError("the program does not end")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def deadline(self, slot: int) -> float:
        return self.start + slot * self.unit

    # Actors.

    def begin(self, number: int, how: str = "lazy", own_context: bool = False) -> int | None:
        """Start actor ``number`` as a task, once; return the task's index."""
        number %= len(self.program.actors)
        if number in self.begun:
            return None
        self.begun.add(number)
        index = len(self.tasks)
        self.tasks.append(None)
        keywords: dict[str, Any] = {"name": f"actor {number}"}
        if own_context:
            keywords["context"] = contextvars.copy_context()
            keywords["context"].run(self.variable.set, 100 + index)
        if how == "eager" and self.eager:
            keywords["eager_start"] = True
        self.tasks[index] = self.make_task(self.loop, self.body(number, index), **keywords)
        return index

    async def body(self, number: int, index: int) -> int:
        self.tasks[index] = asyncio.current_task()
        self.log(index, "begins", self.variable.get())
        try:
            await self.perform(index, self.program.actors[number])
        except BaseException as error:
            self.log(index, "ends by", text_of(error))
            raise
        self.log(index, "ends")
        return index

    async def perform(self, index: int, operations: Any) -> None:
        for operation in operations:
            name, *parts = operation
            await getattr(self, f"do_{name}")(index, *parts)

    async def attempt(self, index: int, name: str, survive: bool, make: Callable[[], Awaitable[Any]]) -> None:
        """Await what ``make`` gives and write down how that ended."""
        try:
            value = await make()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            self.log(index, name, text_of(error), task.cancelling(), self.variable.get())
            if not survive:
                raise
        except Exception as error:
            self.log(index, name, text_of(error), self.variable.get())
        else:
            self.log(index, name, value, self.variable.get())

    def target(self, index: int, number: int) -> Any:
        """A future, or a task that was started after task ``index``."""
        later = [task for task in self.tasks[index + 1 :] if task is not None]
        found = [*self.futures, *later]
        return found[number % len(found)]

    def task(self, number: int) -> Any:
        found = [task for task in self.tasks if task is not None]
        return found[number % len(found)]

    def future(self, number: int) -> Any:
        return self.futures[number % len(self.futures)]

    # Actions of callbacks.

    def action(self, action: Operation) -> Callable[..., None]:
        def callback(*ignored: Any) -> None:
            name, *parts = action
            current = asyncio.current_task()
            self.log("callback", name, *parts, self.variable.get(), current and current.get_name())
            getattr(self, f"act_{name}")(*parts)

        return callback

    def act_say(self, number: int) -> None:
        pass

    def act_say_later(self, number: int) -> None:
        self.loop.call_soon(self.action(("say", number)))

    def act_finish(self, number: int, value: int) -> None:
        future = self.future(number)
        if not future.done():
            future.set_result(value)

    def act_fail_future(self, number: int, value: int) -> None:
        future = self.future(number)
        if not future.done():
            future.set_exception(Planned(value))

    def act_cancel_future(self, number: int, message: Any) -> None:
        self.log("cancelled future", self.future(number).cancel(message))

    def act_cancel_task(self, number: int, message: Any) -> None:
        task = self.task(number)
        self.log("cancelled task", task.cancel(message), task.cancelling())

    def act_raise(self, value: int) -> None:
        raise Planned(value)

    def act_set_event(self, number: int) -> None:
        self.events[number % 2].set()

    def act_set_variable(self, value: int) -> None:
        self.variable.set(value)

    # Operations that do not wait.

    async def do_say(self, index: int, number: int) -> None:
        self.log(index, "says", number)

    async def do_finish(self, index: int, number: int, value: int) -> None:
        self.act_finish(number, value)

    async def do_fail_future(self, index: int, number: int, value: int) -> None:
        self.act_fail_future(number, value)

    async def do_cancel_future(self, index: int, number: int, message: Any) -> None:
        self.act_cancel_future(number, message)

    async def do_cancel_task(self, index: int, number: int, message: Any) -> None:
        self.act_cancel_task(number, message)

    async def do_cancel_self(self, index: int, message: Any) -> None:
        task = asyncio.current_task()
        self.log(index, "cancels itself", task.cancel(message), task.cancelling())

    async def do_uncancel_self(self, index: int) -> None:
        self.log(index, "uncancels itself", asyncio.current_task().uncancel())

    async def do_uncancel_task(self, index: int, number: int) -> None:
        self.log(index, "uncancels", self.task(number).uncancel())

    async def do_renew_future(self, index: int, number: int) -> None:
        number %= len(self.futures)
        if self.futures[number].done():
            self.kept.append(self.futures[number])
            self.futures[number] = self.loop.create_future()

    async def do_call_soon(self, index: int, action: Operation) -> None:
        self.loop.call_soon(self.action(action))

    async def do_call_threadsafe(self, index: int, action: Operation) -> None:
        # Only in a program without other callbacks of this turn is its place promised:
        # it is scheduled alone, from a callback of its own.
        self.nudges += 1
        self.loop.call_soon(self.loop.call_soon, self.action(action))

    async def do_call_and_cancel(self, index: int, action: Operation) -> None:
        handle = self.loop.call_soon(self.action(action))
        self.loop.call_soon(handle.cancel)
        other = self.loop.call_soon(self.action(action))
        other.cancel()

    async def do_add_callback(self, index: int, number: int, action: Operation) -> None:
        callback = self.callbacks[number] = self.action(action)
        self.target(-1, number).add_done_callback(callback)

    async def do_remove_callbacks(self, index: int, number: int) -> None:
        callback = self.callbacks.get(number, print)
        self.log(index, "removes", self.target(-1, number).remove_done_callback(callback))

    async def do_spawn(self, index: int, number: int, how: str, own_context: bool) -> None:
        started = self.begin(number, how, own_context)
        self.log(index, "spawns", started, started is not None and self.tasks[started].done())

    async def do_set_event(self, index: int, number: int) -> None:
        self.act_set_event(number)

    async def do_clear_event(self, index: int, number: int) -> None:
        self.events[number % 2].clear()

    async def do_put_nowait(self, index: int, value: int) -> None:
        if not self.queue.full():
            self.queue.put_nowait(value)

    async def do_set_variable(self, index: int, value: int) -> None:
        self.variable.set(value)

    async def do_look(self, index: int) -> None:
        task = asyncio.current_task()
        everyone = asyncio.all_tasks()
        waiting = [each.get_name() for each in self.tasks if each is not None and each in everyone]
        self.log(index, "looks", task.get_name(), waiting, self.variable.get(), task.cancelling())

    async def do_raise(self, index: int, value: int) -> None:
        raise Planned(value)

    # Operations that wait.

    async def do_yield(self, index: int, survive: bool) -> None:
        await self.attempt(index, "yields", survive, lambda: asyncio.sleep(0))

    async def do_await_target(self, index: int, number: int, survive: bool) -> None:
        await self.attempt(index, "awaits", survive, lambda: self.wait_for_it(self.target(index, number)))

    async def wait_for_it(self, future: Any) -> Any:
        return await future

    async def do_await_shield(self, index: int, number: int, survive: bool) -> None:
        shielded = asyncio.shield(self.target(index, number))
        self.kept.append(shielded)
        await self.attempt(index, "awaits a shield", survive, lambda: self.wait_for_it(shielded))

    async def do_await_gather(self, index: int, numbers: list[int], return_exceptions: bool, survive: bool) -> None:
        members = [self.target(index, number) for number in numbers]
        gathered = asyncio.gather(*members, return_exceptions=return_exceptions)
        self.kept.append(gathered)

        async def results() -> Any:
            found = await gathered
            return [text_of(each) if isinstance(each, BaseException) else each for each in found]

        await self.attempt(index, "gathers", survive, results)

    async def do_await_wait(
        self, index: int, numbers: list[int], when: str, survive: bool, timeout: float | None = None
    ) -> None:
        members = {id(each): each for each in (self.target(index, number) for number in numbers)}
        conditions = {
            "ALL": asyncio.ALL_COMPLETED,
            "FIRST": asyncio.FIRST_COMPLETED,
            "EXCEPTION": asyncio.FIRST_EXCEPTION,
        }

        async def counts() -> Any:
            done, pending = await asyncio.wait(members.values(), return_when=conditions[when], timeout=timeout)
            for each in done:
                self.state(each)
            return len(done), len(pending)

        await self.attempt(index, "waits", survive, counts)

    async def do_await_wait_for(self, index: int, number: int, survive: bool) -> None:
        await self.attempt(index, "waits for", survive, lambda: asyncio.wait_for(self.target(index, number), None))

    async def do_wait_event(self, index: int, number: int, survive: bool) -> None:
        await self.attempt(index, "waits for an event", survive, self.events[number % 2].wait)

    async def do_put(self, index: int, value: int, survive: bool) -> None:
        await self.attempt(index, "puts", survive, lambda: self.queue.put(value))

    async def do_get(self, index: int, survive: bool) -> None:
        await self.attempt(index, "gets", survive, self.queue.get)

    async def do_await_generator(self, index: int, number: int, survive: bool) -> None:
        @types.coroutine
        def steps() -> Any:
            for _ in range(number % 4):
                yield
            return number

        await self.attempt(index, "steps", survive, lambda: self.wait_for_it(steps()))

    async def do_join_spawned(self, index: int, number: int, survive: bool) -> None:
        started = self.begin(number)
        if started is not None:
            await self.attempt(index, "joins", survive, lambda: self.wait_for_it(self.tasks[started]))

    # Operations that hold others.

    async def do_locked(self, index: int, inner: list[Operation], survive: bool) -> None:
        async def locked() -> None:
            async with self.lock:
                self.log(index, "has the lock")
                await self.perform(index, inner)

        if self.lock.locked() and any(name == "locked" for name, *_ in inner):
            return
        await self.attempt(index, "locks", survive, locked)

    async def do_limited(self, index: int, inner: list[Operation], survive: bool) -> None:
        async def limited() -> None:
            async with self.limit:
                self.log(index, "is let in")
                await self.perform(index, inner)

        await self.attempt(index, "enters", survive, limited)

    async def do_group(self, index: int, numbers: list[int], inner: list[Operation], survive: bool) -> None:
        async def grouped() -> None:
            async with asyncio.TaskGroup() as group:
                for number in numbers:
                    number %= len(self.program.actors)
                    if number in self.begun:
                        continue
                    self.begun.add(number)
                    member = len(self.tasks)
                    self.tasks.append(None)
                    self.tasks[member] = group.create_task(self.body(number, member), name=f"actor {number}")
                await self.perform(index, inner)

        await self.attempt(index, "groups", survive, grouped)

    async def do_sheltered(self, index: int, inner: list[Operation]) -> None:
        try:
            await self.perform(index, inner)
        except Planned as error:
            self.log(index, "catches", text_of(error))
        finally:
            await asyncio.sleep(0)
            self.log(index, "leaves")

    # Operations with deadlines.

    async def do_sleep_until(self, index: int, slot: int, survive: bool) -> None:
        delay = self.deadline(slot) - self.loop.time()
        await self.attempt(index, f"sleeps until {slot}", survive, lambda: asyncio.sleep(delay))

    async def do_wait_for_until(self, index: int, slot: int, number: int, survive: bool) -> None:
        delay = self.deadline(slot) - self.loop.time()
        await self.attempt(
            index,
            f"waits for something until {slot}",
            survive,
            lambda: asyncio.wait_for(self.target(index, number), delay),
        )

    async def do_wait_until(self, index: int, slot: int, numbers: list[int], survive: bool) -> None:
        delay = max(self.deadline(slot) - self.loop.time(), 0)
        await self.do_await_wait(index, numbers, "ALL", survive, delay)

    async def do_call_at(self, index: int, slot: int, action: Operation) -> None:
        self.loop.call_at(self.deadline(slot), self.action(action))

    async def do_call_at_twice(self, index: int, slot: int, first: Operation, second: Operation) -> None:
        # asyncio's heap promises no order for equal deadlines; one bit later is due with it.
        when = self.deadline(slot)
        self.loop.call_at(when, self.action(first))
        self.loop.call_at(math.nextafter(when, math.inf), self.action(second))

    async def do_call_at_and_cancel(self, index: int, slot: int, action: Operation) -> None:
        handle = self.loop.call_at(self.deadline(slot), self.action(action))
        self.loop.call_soon(handle.cancel)

    async def do_call_in_the_past(self, index: int, action: Operation) -> None:
        self.nudges += 1
        self.loop.call_at(self.start - 1 + self.nudges * 1e-6, self.action(action))

    async def do_timeout_at(self, index: int, slot: int, inner: list[Operation], survive: bool) -> None:
        async def limited() -> bool:
            async with asyncio.timeout_at(self.deadline(slot)) as timeout:
                await self.perform(index, inner)
            return timeout.expired()

        await self.attempt(index, f"has until {slot}", survive, limited)
