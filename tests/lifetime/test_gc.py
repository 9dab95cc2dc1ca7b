"""The collector reaches everything: cycles through tasks, futures, handles and loops go."""

import asyncio
import contextvars
import gc
import sys
import weakref

import leaks
import pytest
from turns import run_ready, run_turns


class Marked:
    """Something that can be weakly referenced, to see when it goes."""


async def forever(loop, held):
    await loop.create_future()
    return held


def collected(reference):
    gc.collect()
    return reference() is None


def test_a_future_in_its_own_callback(loop, library):
    future = library.Future(loop=loop)
    future.add_done_callback(lambda done, keep=future: None)
    reference = weakref.ref(future)
    del future
    assert collected(reference)


def test_a_future_whose_result_is_itself(loop, library):
    future = library.Future(loop=loop)
    future.set_result([future])
    reference = weakref.ref(future)
    del future
    assert collected(reference)


def test_a_future_whose_exception_holds_it(loop, library):
    future = library.Future(loop=loop)
    error = ValueError()
    error.future = future
    future.set_exception(error)
    future.exception()
    reference = weakref.ref(future)
    del future, error
    assert collected(reference)


def test_a_future_in_its_own_attributes(loop, library):
    future = library.Future(loop=loop)
    future.itself = future
    reference = weakref.ref(future)
    del future
    assert collected(reference)


def test_a_future_in_the_context_of_its_callback(loop, library):
    variable = contextvars.ContextVar("variable")
    future = library.Future(loop=loop)
    context = contextvars.copy_context()
    context.run(variable.set, future)
    future.add_done_callback(print, context=context)
    future.add_done_callback(int, context=context)
    reference = weakref.ref(future)
    del future, context
    assert collected(reference)


def test_two_futures_that_wait_for_each_other(loop, library):
    first, second = library.Future(loop=loop), library.Future(loop=loop)
    first.add_done_callback(second.set_result)
    second.add_done_callback(first.set_result)
    references = [weakref.ref(first), weakref.ref(second)]
    del first, second
    assert all(collected(reference) for reference in references)


def test_a_pending_task_its_coroutine_and_its_future(loop, library, reports):
    held = Marked()
    references = [weakref.ref(held)]
    task = library.Task(forever(loop, held), loop=loop)
    run_ready(loop)
    references.append(weakref.ref(task))
    references.append(weakref.ref(task._fut_waiter))
    del task, held
    gc.collect()
    assert len(reports.take()) == 1
    assert all(collected(reference) for reference in references)


def test_a_ring_of_tasks_that_await_each_other(loop, library, reports):
    tasks = []

    async def link(number):
        await tasks[(number + 1) % 3]

    async def starter(number):
        await asyncio.sleep(0)
        await link(number)

    tasks += [library.Task(starter(number), loop=loop) for number in range(3)]
    run_turns(loop, 3)
    references = [weakref.ref(task) for task in tasks]
    tasks.clear()
    del link, starter, tasks
    gc.collect()
    assert len(reports.take()) == 3
    assert all(collected(reference) for reference in references)


def test_a_finished_task_that_its_result_holds(loop, library):
    holder = []

    async def body():
        return holder

    task = library.Task(body(), loop=loop)
    holder.append(task)
    loop.run_until_complete(task)
    run_ready(loop)
    reference = weakref.ref(task)
    del task, holder
    assert collected(reference)


def test_a_task_whose_exception_holds_its_frames(loop, library):
    async def body(held):
        raise ValueError

    held = Marked()
    reference = weakref.ref(held)
    task = library.Task(body(held), loop=loop)
    with pytest.raises(ValueError):
        loop.run_until_complete(task)
    run_ready(loop)
    del task, held
    assert collected(reference)


@pytest.mark.parametrize("schedule", ["call_soon", "call_later", "call_soon_threadsafe"])
def test_a_loop_in_its_own_queues(library, schedule):
    """Ready queue, timers and inbox are traversed: a forgotten loop goes with them."""
    loop = library.new_event_loop()
    reference = weakref.ref(loop)
    held = Marked()
    loop.held = held
    marked = weakref.ref(held)

    def callback(*arguments):
        pass

    if schedule == "call_later":
        loop.call_later(1000, callback, loop, held)
    else:
        getattr(loop, schedule)(callback, loop, held)
    del held
    with pytest.warns(ResourceWarning, match="^unclosed event loop "):
        del loop
        gc.collect()
    assert collected(reference)
    assert collected(marked)


def test_a_forgotten_loop_with_tasks(library, reports):
    loop = library.new_event_loop()
    loop.set_exception_handler(reports.record_context)
    waiting = library.Task(forever(loop, loop), loop=loop)
    run_ready(loop)
    queued = library.Task(forever(loop, loop), loop=loop)
    loop.tasks = [waiting, queued]
    loop_reference = weakref.ref(loop)
    del waiting, queued
    with pytest.warns(Warning):
        del loop
        gc.collect()
        gc.collect()
    reports.take()
    assert collected(loop_reference)


def test_a_closed_loop_lets_go(library):
    loop = library.new_event_loop()
    held = Marked()
    reference, loop_reference = weakref.ref(held), weakref.ref(loop)
    loop.call_soon(print, held)
    loop.call_later(1000, print, held)
    loop.set_exception_handler(lambda loop, context, held=held: None)
    loop.set_task_factory(lambda loop, coro, held=held: None)
    del held
    loop.close()
    del loop
    assert collected(reference)
    assert collected(loop_reference)


def test_handles_in_cycles(loop, library):
    held = Marked()
    handle = loop.call_soon(print, held)
    held.handle = handle
    timer = loop.call_later(1000, print, held)
    held.timer = timer
    reference = weakref.ref(held)
    handle.cancel()
    timer.cancel()
    run_turns(loop, 2)
    del held, handle, timer
    assert collected(reference)


def test_a_handle_made_by_hand_in_a_cycle(loop, library):
    for kind, arguments in ((library.Handle, ()), (library.TimerHandle, (5.0,))):
        held = Marked()
        held.handle = kind(*arguments, print, (held,), loop)
        reference = weakref.ref(held)
        del held
        assert collected(reference)


def test_a_reader_of_a_forgotten_object(loop):
    import os

    reader, writer = os.pipe()
    held = Marked()
    reference = weakref.ref(held)
    loop.add_reader(reader, print, held)
    del held
    loop.remove_reader(reader)
    run_ready(loop)
    assert collected(reference)
    os.close(reader)
    os.close(writer)


def test_an_await_iterator_in_a_cycle(loop, library):
    future = library.Future(loop=loop)
    iterator = iter(future)
    next(iterator)
    future.iterator = iterator
    reference = weakref.ref(future)
    del future, iterator
    assert collected(reference)


def test_collecting_while_the_loop_runs(loop, library):
    """The collector may run between any two steps."""
    old = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:

        async def body(number):
            await asyncio.sleep(0)
            future = loop.create_future()
            loop.call_soon(future.set_result, number)
            return await future

        async def main():
            return await asyncio.gather(*map(body, range(20)))

        assert loop.run_until_complete(main()) == list(range(20))
    finally:
        gc.set_threshold(*old)


def test_objects_are_known_to_the_collector(loop, library):
    future = library.Future(loop=loop)
    task = library.Task(forever(loop, None), loop=loop)
    assert gc.is_tracked(future)
    assert gc.is_tracked(task)
    assert gc.is_tracked(loop)
    assert loop in gc.get_referents(future)
    task.cancel()
    run_turns(loop, 2)


def test_a_referent_for_each_thing_held(loop, library):
    """What is missing in a traverse is a leak waiting for a cycle."""
    first, second = Marked(), Marked()
    context = contextvars.copy_context()
    future = library.Future(loop=loop)
    future.add_done_callback(first, context=context)
    future.add_done_callback(second, context=context)
    found = {id(referent) for referent in reachable(future, 3)}
    assert {id(first), id(second), id(context)} <= found
    done = library.Future(loop=loop)
    done.set_result(first)
    assert any(referent is first for referent in gc.get_referents(done))
    coroutine = forever(loop, None)
    task = library.Task(coroutine, loop=loop, context=context)
    referents = gc.get_referents(task)
    assert any(referent is coroutine for referent in referents)
    assert any(referent is context for referent in referents)
    task.cancel()
    run_turns(loop, 2)
    future.remove_done_callback(first)
    future.remove_done_callback(second)


def reachable(start, depth):
    """Objects within ``depth`` references of ``start``."""
    found, edge = [], [start]
    for _ in range(depth):
        edge = [referent for each in edge for referent in gc.get_referents(each)]
        found += edge
    return found


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
    leaks.assert_flat(lambda: scenario(loop), rounds=40 if debug else 150)


@pytest.mark.timeout(60)
def test_making_and_closing_loops_leaves_nothing_behind(library):
    def scenario():
        loop = library.new_event_loop()
        loop.call_soon(int)
        loop.call_later(1000, int)
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    leaks.assert_flat(scenario, rounds=60)


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
