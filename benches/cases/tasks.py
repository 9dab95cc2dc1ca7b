"""Tasks: their creation, their steps, and many of them at once."""

import asyncio

from cases.case import CaseGroup

GROUP = CaseGroup("tasks")

YIELDING_TASKS = 100
FAN_OUT = 1000
NOT_EAGER = "the task was not started eagerly"


async def one() -> int:
    """A coroutine that never suspends; its result is what the cases count."""
    return 1


async def yielding(steps: int) -> int:
    """Yield to the loop ``steps`` times and return that number."""
    for _ in range(steps):
        await asyncio.sleep(0)
    return steps


async def assert_sleep_zero_yields() -> None:
    """Raise AssertionError unless ``sleep(0)`` lets a ready callback run first."""
    ran: list[bool] = []
    asyncio.get_running_loop().call_soon(ran.append, True)
    await asyncio.sleep(0)
    assert ran, "sleep(0) returned before a callback that was already ready"


@GROUP.case("bare_await", "bare await (control)", control=True)
async def bare_await(repeats: int) -> int:
    count = 0
    for _ in range(repeats):
        count += await one()
    return count


@GROUP.case("create_task", "create_task + await")
async def create_task(repeats: int) -> int:
    count = 0
    for _ in range(repeats):
        count += await asyncio.create_task(one())
    return count


@GROUP.case(
    "eager_task_factory",
    "create_task + await, eager task factory",
    minimum_python=(3, 12),
    task_factory="eager",
)
async def eager_task_factory(repeats: int) -> int:
    count = 0
    for _ in range(repeats):
        task = asyncio.create_task(one())
        assert task.done(), NOT_EAGER
        count += await task
    return count


@GROUP.case("eager_start", "create_task(eager_start=True) + await", minimum_python=(3, 14))
async def eager_start(repeats: int) -> int:
    count = 0
    for _ in range(repeats):
        task = asyncio.create_task(one(), eager_start=True)
        assert task.done(), NOT_EAGER
        count += await task
    return count


@GROUP.case("sleep_zero", "one task, sleep(0)")
async def sleep_zero(repeats: int) -> int:
    await assert_sleep_zero_yields()
    return await yielding(repeats)


@GROUP.case("hundred_yielding", "100 tasks yielding", operations=YIELDING_TASKS)
async def hundred_yielding(repeats: int) -> int:
    await assert_sleep_zero_yields()
    tasks = [asyncio.create_task(yielding(repeats)) for _ in range(YIELDING_TASKS)]
    count = 0
    for task in tasks:
        count += await task
    return count


@GROUP.case("gather_1000", "gather 1000 x sleep(0)", operations=FAN_OUT)
async def gather_1000(repeats: int) -> int:
    count = 0
    for _ in range(repeats):
        count += sum(await asyncio.gather(*[asyncio.sleep(0, 1) for _ in range(FAN_OUT)]))
    return count


@GROUP.case("task_group_1000", "TaskGroup of 1000 x sleep(0)", operations=FAN_OUT)
async def task_group_1000(repeats: int) -> int:
    count = 0
    for _ in range(repeats):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(0, 1)) for _ in range(FAN_OUT)]
        count += sum(task.result() for task in tasks)
    return count
