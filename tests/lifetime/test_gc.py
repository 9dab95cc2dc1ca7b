"""The collector reaches everything: cycles through tasks, futures, handles and loops go."""

import asyncio
import contextvars
import gc
import sys
import weakref

import leaks
import pytest
from turns import run_ready, run_turns


@pytest.fixture(autouse=True)
def sound_collector(library):
    """asyncio of 3.12.1 frees an await iterator that was collected twice, and crashes later."""
    if not library.is_tepal and sys.version_info[:2] == (3, 12):
        pytest.skip("asyncio of 3.12.1 frees a collected await iterator twice")


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


def test_a_loop_that_the_collector_finds_is_closed(library):
    def leave_behind():
        loop = library.new_event_loop()
        loop.itself = loop

    descriptors = leaks.open_descriptors()
    leave_behind()
    with pytest.warns(ResourceWarning, match="^unclosed event loop ") as caught:
        gc.collect()
    assert leaks.open_descriptors() == descriptors
    loop = caught[0].source  # the warning has kept it alive
    assert loop.is_closed()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.call_soon(print)
    del loop.itself
