"""What a program does again and again leaves nothing behind, in Python's memory or in Rust's."""

import asyncio
import contextvars
import sys

import leaks
import pytest
from turns import run_turns

SCENARIOS = {
    "tasks": lambda loop: loop.run_until_complete(scenario_tasks(loop)),
    "cancelled": lambda loop: loop.run_until_complete(scenario_cancelled(loop)),
    "failed": lambda loop: loop.run_until_complete(scenario_failed(loop)),
    "timers": lambda loop: loop.run_until_complete(scenario_timers(loop)),
    "futures": lambda loop: loop.run_until_complete(scenario_futures(loop)),
    "groups": lambda loop: loop.run_until_complete(scenario_groups(loop)),
    "queues": lambda loop: loop.run_until_complete(scenario_queues()),
    "threads": lambda loop: loop.run_until_complete(scenario_threads(loop)),
    "generators": lambda loop: loop.run_until_complete(scenario_generators()),
    "c tasks": lambda loop: loop.run_until_complete(scenario_c_tasks(loop)),
    "misuse": lambda loop: loop.run_until_complete(scenario_misuse(loop)),
    "handles": lambda loop: scenario_handles(loop),
}


async def scenario_tasks(loop):
    await asyncio.gather(*(loop.create_task(asyncio.sleep(0, number)) for number in range(5)))
    await loop.create_task(asyncio.sleep(0), name="named", context=contextvars.copy_context())


async def scenario_cancelled(loop):
    early, late = loop.create_task(asyncio.sleep(0)), loop.create_task(asyncio.sleep(60))
    early.cancel("why")
    await asyncio.sleep(0)
    late.cancel()
    await asyncio.wait([early, late])
    assert early.cancelled() and late.cancelled()


async def scenario_failed(loop):
    async def fail():
        await asyncio.sleep(0)
        raise ValueError

    results = await asyncio.gather(fail(), fail(), return_exceptions=True)
    assert len(results) == 2
    for _ in range(2):
        try:
            await loop.create_task(fail())
        except ValueError:
            pass


async def scenario_timers(loop):
    handles = [loop.call_later(number, int) for number in range(1, 5)]
    for handle in handles:
        handle.cancel()
    loop.call_later(0, int)
    await asyncio.sleep(0.0001)
    async with asyncio.timeout(60):
        await asyncio.sleep(0)


async def scenario_futures(loop):
    future = loop.create_future()
    future.add_done_callback(id)
    future.add_done_callback(repr)
    future.add_done_callback(hash)
    future.remove_done_callback(repr)
    loop.call_soon(future.set_result, object())
    await asyncio.shield(future)
    failed = loop.create_future()
    failed.set_exception(ValueError())
    try:
        await failed
    except ValueError:
        pass
    repr(failed), repr(future), future._callbacks
    iterator = iter(loop.create_future())
    next(iterator)


async def scenario_groups(loop):
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(asyncio.sleep(0, number))
    event = asyncio.Event()
    waiters = [loop.create_task(event.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    event.set()
    await asyncio.wait(waiters, timeout=60)


async def scenario_queues():
    queue = asyncio.Queue(1)

    async def produce():
        for number in range(3):
            await queue.put(number)

    task = asyncio.create_task(produce())
    for _ in range(3):
        await queue.get()
    await task


async def scenario_threads(loop):
    done = loop.create_future()
    loop.call_soon_threadsafe(done.set_result, None)
    await done
    loop.call_soon_threadsafe(int).cancel()
    await asyncio.sleep(0)


async def scenario_generators():
    async def numbers():
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    assert [number async for number in numbers()] == [0, 1, 2]
    async for _ in (generator := numbers()):
        break
    await generator.aclose()


async def scenario_c_tasks(loop):
    task = asyncio.Task(asyncio.sleep(0.0001), loop=loop)
    await task
    await loop.create_task(wait_for_c(loop))


async def wait_for_c(loop):
    future = asyncio.Future(loop=loop)
    loop.call_soon(future.set_result, None)
    await future


async def scenario_misuse(loop):
    for wrong in (lambda: loop.create_task(1), lambda: loop.call_later(None, int), loop.close):
        try:
            wrong()
        except (TypeError, RuntimeError):
            pass
    future = loop.create_future()
    future.set_result(1)
    for wrong in (lambda: future.set_result(2), lambda: future.set_exception(1), lambda: future.cancel(1, 2)):
        try:
            wrong()
        except (TypeError, asyncio.InvalidStateError):
            pass
    await future


def scenario_handles(loop):
    handle = loop.call_soon(int)
    repr(handle), handle.cancelled(), handle._args, handle._context, handle._callback
    timer = loop.call_later(0, int)
    repr(timer), timer.when(), hash(timer), timer == handle, timer < timer
    run_turns(loop, 2)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])
def test_repeating_leaves_nothing_behind(loop, name, debug):
    scenario = SCENARIOS[name]
    leaks.assert_flat(lambda: scenario(loop), rounds=100 if debug else 150)


@pytest.mark.timeout(60)
def test_making_and_closing_loops_leaves_nothing_behind(library):
    def scenario():
        loop = library.new_event_loop()
        loop.call_soon(int)
        loop.call_later(1000, int)
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    leaks.assert_flat(scenario, rounds=100)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager start is new in 3.12")
@pytest.mark.timeout(60)
def test_eager_tasks_leave_nothing_behind(loop, library):
    loop.set_task_factory(library.eager_task_factory)

    async def scenario():
        await asyncio.gather(*(asyncio.sleep(0, number) for number in range(3)))
        await loop.create_task(give())

    async def give():
        return 1

    leaks.assert_flat(lambda: loop.run_until_complete(scenario()))
