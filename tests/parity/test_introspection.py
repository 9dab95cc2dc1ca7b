"""Looking at tasks: stacks, coroutines, texts, current_task, all_tasks, call graphs."""

import asyncio
import gc
import io
import re
import sys
import threading
import types

import pytest
from turns import run_ready, run_turns, yield_turns


async def inner(future):
    await future


async def outer(future):
    await inner(future)


async def test_the_stack_of_a_waiting_task(loop, library):
    future = loop.create_future()
    task = library.Task(outer(future), loop=loop)
    await asyncio.sleep(0)
    stack = task.get_stack()
    assert [frame.f_code.co_name for frame in stack] == ["outer"]
    assert all(isinstance(frame, types.FrameType) for frame in stack)
    future.set_result(None)
    await task
    assert task.get_stack() == []


async def test_the_stack_of_a_task_not_started(loop, library):
    future = loop.create_future()
    future.set_result(None)
    task = library.Task(outer(future), loop=loop)
    assert [frame.f_code.co_name for frame in task.get_stack()] == ["outer"]
    await task


async def test_the_stack_of_the_running_task(loop):
    async def body():
        return [frame.f_code.co_name for frame in asyncio.current_task().get_stack()]

    assert "body" in await loop.create_task(body())


async def test_the_stack_of_a_failed_task(loop, library):
    def deeper():
        raise ValueError("wrong")

    async def body():
        deeper()

    task = library.Task(body(), loop=loop)
    await asyncio.wait([task])
    assert [frame.f_code.co_name for frame in task.get_stack()] == ["body", "deeper"]
    assert [frame.f_code.co_name for frame in task.get_stack(limit=1)] == ["body"]
    task.exception()


async def test_stack_limits(loop, library):
    future = loop.create_future()
    task = library.Task(outer(future), loop=loop)
    await asyncio.sleep(0)
    assert len(task.get_stack(limit=1)) == 1
    assert len(task.get_stack(limit=None)) == 1
    with pytest.raises(TypeError):
        task.get_stack(1)
    future.set_result(None)
    await task


async def test_printing_a_stack(loop, library):
    future = loop.create_future()
    task = library.Task(outer(future), loop=loop)
    await asyncio.sleep(0)
    file = io.StringIO()
    assert task.print_stack(file=file) is None
    text = file.getvalue()
    assert text.startswith("Stack for <Task pending ")
    assert "(most recent call last):\n" in text
    assert "in outer\n    await inner(future)\n" in text
    future.set_result(None)
    await task
    file = io.StringIO()
    task.print_stack(file=file)
    assert file.getvalue() == f"No stack for {task!r}\n"


async def test_printing_the_stack_of_a_failed_task(loop, library):
    async def body():
        raise ValueError("wrong")

    task = library.Task(body(), loop=loop)
    await asyncio.wait([task])
    file = io.StringIO()
    task.print_stack(limit=5, file=file)
    text = file.getvalue()
    assert text.startswith("Traceback for <Task finished ")
    assert text.endswith("ValueError: wrong\n")
    task.exception()


async def test_printing_to_the_standard_streams(loop, library, capsys):
    task = library.Task(asyncio.sleep(0), loop=loop)
    task.print_stack()
    captured = capsys.readouterr()
    assert "Stack for <Task pending " in captured.out + captured.err
    await task


async def test_the_coroutine(loop, library):
    coroutine = outer(future := loop.create_future())
    task = library.Task(coroutine, loop=loop)
    assert task.get_coro() is coroutine
    assert task._coro is coroutine
    future.set_result(None)
    await task
    assert task.get_coro() is coroutine


async def test_repr_of_a_task(loop, library):
    future = loop.create_future()
    task = library.Task(outer(future), loop=loop, name="the name")
    place = re.escape(f"{__file__}:")
    assert re.fullmatch(rf"<Task pending name='the name' coro=<outer\(\) running at {place}\d+>>", repr(task))
    await asyncio.sleep(0)
    assert re.fullmatch(
        rf"<Task pending name='the name' coro=<outer\(\) running at {place}\d+>"
        r" wait_for=<Future pending cb=\[.*\]>>",
        repr(task),
    )
    future.set_result(None)
    await task
    assert re.fullmatch(
        rf"<Task finished name='the name' coro=<outer\(\) done, defined at {place}\d+> result=None>",
        repr(task),
    )


async def test_repr_of_failed_and_cancelled_tasks(loop, library):
    async def fail():
        raise ValueError("wrong")

    failed = library.Task(fail(), loop=loop, name="failed")
    cancelled = library.Task(fail(), loop=loop, name="cancelled")
    cancelled.cancel()
    assert repr(cancelled).startswith("<Task cancelling name='cancelled' coro=<")
    await asyncio.wait([failed, cancelled])
    assert repr(failed).startswith("<Task finished name='failed' coro=<")
    assert repr(failed).endswith(" exception=ValueError('wrong')>")
    assert repr(cancelled).startswith("<Task cancelled name='cancelled' coro=<")
    failed.exception()


async def test_repr_shows_who_waits(loop, library):
    task = library.Task(asyncio.sleep(0), loop=loop)
    task.add_done_callback(print)
    assert "cb=[print()]" in repr(task)
    task.remove_done_callback(print)
    waiter = library.Task(inner(task), loop=loop)
    await asyncio.sleep(0)
    assert "wait_for=<Task pending" in repr(waiter)
    await waiter


async def test_a_waiting_task_is_among_the_callbacks(loop, library):
    """aioconsole and others look there for who waits."""
    future = loop.create_future()
    task = library.Task(inner(future), loop=loop)
    await asyncio.sleep(0)
    (entry,) = future._callbacks
    callback, _context = entry
    assert callable(callback)
    assert "cb=[" in repr(future)
    future.set_result(None)
    await task


async def test_repr_never_fails(loop, library):
    class Strange:
        def __repr__(self):
            raise ZeroDivisionError

    async def body():
        return Strange()

    task = library.Task(body(), loop=loop)
    await task
    assert repr(task).startswith("<Task finished ")


async def test_current_task(loop, library):
    seen = []

    async def body():
        seen.append(asyncio.current_task())
        seen.append(asyncio.current_task(loop))

    task = library.Task(body(), loop=loop)
    await task
    assert seen == [task, task]


def test_there_is_no_current_task_in_callbacks(loop):
    """Between two steps, in callbacks, timers, readers and done callbacks."""
    seen = []

    def look(*ignored):
        seen.append(asyncio.current_task())

    async def main():
        loop.call_soon(look)
        loop.call_later(0, look)
        task = loop.create_task(asyncio.sleep(0))
        task.add_done_callback(look)
        loop.call_soon_threadsafe(look)
        for _ in range(5):
            await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert seen == [None] * 4


def test_current_task_outside(loop):
    with pytest.raises(RuntimeError, match="^no running event loop$"):
        asyncio.current_task()
    assert asyncio.current_task(loop) is None


def test_the_current_task_is_gone_after_an_interrupt(loop):
    async def main():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(main())
    assert asyncio.current_task(loop) is None
    seen = []
    loop.call_soon(lambda: seen.append(asyncio.current_task()))
    run_ready(loop)
    assert seen == [None]


async def test_all_tasks(loop, library):
    future = loop.create_future()
    native = library.Task(inner(future), loop=loop)
    foreign = asyncio.Task(inner(future), loop=loop)
    main = asyncio.current_task()
    assert asyncio.all_tasks() == {native, foreign, main}
    await asyncio.sleep(0)
    assert asyncio.all_tasks(loop) == {native, foreign, main}
    future.set_result(None)
    await native
    await foreign
    assert asyncio.all_tasks() == {main}


def test_all_tasks_of_a_loop_at_rest(loop, library):
    future = loop.create_future()
    tasks = {library.Task(inner(future), loop=loop) for _ in range(10)}
    assert asyncio.all_tasks(loop) == tasks
    run_ready(loop)
    assert asyncio.all_tasks(loop) == tasks
    future.cancel()
    run_turns(loop, 2)
    assert asyncio.all_tasks(loop) == set()


def test_all_tasks_of_another_loop(loop, library):
    other = library.new_event_loop()
    future = other.create_future()
    task = library.Task(inner(future), loop=other)

    async def main():
        return asyncio.all_tasks(), asyncio.all_tasks(other)

    mine, others = loop.run_until_complete(main())
    assert task not in mine
    assert others == {task}
    future.cancel()
    run_turns(other, 3)
    other.close()


async def test_all_tasks_forgets_finished_ones_that_are_kept(loop, library):
    kept = [library.Task(asyncio.sleep(0), loop=loop) for _ in range(10)]
    await asyncio.gather(*kept)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert len(kept) == 10


def test_all_tasks_from_another_thread(loop, library):
    future = loop.create_future()
    tasks = {library.Task(inner(future), loop=loop) for _ in range(5)}
    run_ready(loop)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(asyncio.all_tasks(loop)))
    thread.start()
    thread.join()
    assert seen == [tasks]
    seen.clear()
    future.cancel()
    run_turns(loop, 2)


def test_listing_tasks_while_another_thread_runs_them(loop):
    stop = threading.Event()
    errors = []

    def look():
        while not stop.is_set():
            try:
                for task in asyncio.all_tasks(loop):
                    repr(task)
            except Exception as error:
                errors.append(error)
                return

    async def main():
        for _ in range(60):
            await asyncio.gather(*(asyncio.sleep(0) for _ in range(50)))
        stop.set()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        loop.run_until_complete(main())
    finally:
        stop.set()
        thread.join()
    assert errors == []


async def test_all_tasks_holds_no_task_alive(loop, library):
    library.Task(asyncio.sleep(0), loop=loop)
    await yield_turns(3)
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}


graph = pytest.mark.skipif(sys.version_info < (3, 14), reason="call graphs are new in 3.14")


@graph
async def test_the_call_graph_of_a_waiting_task(loop, library):
    future = loop.create_future()
    task = library.Task(outer(future), loop=loop)
    await asyncio.sleep(0)
    found = asyncio.capture_call_graph(task)
    assert found.future is task
    assert [entry.frame.f_code.co_name for entry in found.call_stack] == ["inner", "outer"]
    assert found.awaited_by == ()
    future.set_result(None)
    await task


@graph
@pytest.mark.parametrize("kinds", ["native native", "native C", "C native"])
async def test_who_awaits_whom(loop, library, kinds):
    make = {"native": library.Task, "C": asyncio.Task}
    first, second = (make[kind] for kind in kinds.split())
    future = loop.create_future()
    leaf = first(outer(future), loop=loop, name="leaf")

    async def waits(task):
        await task

    root = second(waits(leaf), loop=loop, name="root")
    await yield_turns(2)
    found = asyncio.capture_call_graph(leaf)
    assert [edge.future.get_name() for edge in found.awaited_by] == ["root"]
    text = asyncio.format_call_graph(leaf)
    assert "Task(name='leaf'" in text and "Task(name='root'" in text
    if first is not asyncio.Task or not library.is_tepal:
        # CPython's own Task has no room for an edge to a task that is not its kind.
        assert leaf._asyncio_awaited_by == {root}
    future.set_result(None)
    await root
    assert not leaf._asyncio_awaited_by


@graph
async def test_edges_through_gather_groups_and_wait(loop, library):
    future = loop.create_future()
    leaf = library.Task(outer(future), loop=loop, name="leaf")

    async def by_gather():
        await asyncio.gather(leaf)

    async def by_wait():
        await asyncio.wait([leaf])

    async def by_shield():
        await asyncio.shield(leaf)

    tasks = [library.Task(body(), loop=loop, name=body.__name__) for body in (by_gather, by_wait, by_shield)]
    await yield_turns(3)
    text = asyncio.format_call_graph(leaf)
    for task in tasks:
        assert f"Task(name='{task.get_name()}'" in text
    future.set_result(None)
    await asyncio.gather(*tasks)


@graph
async def test_printing_the_call_graph_of_the_running_task(loop):
    file = io.StringIO()

    async def deeper():
        asyncio.print_call_graph(file=file)

    async def body():
        await deeper()

    await loop.create_task(body(), name="printing")
    assert "Task(name='printing'" in file.getvalue()
    assert "deeper()" in file.getvalue() and "body()" in file.getvalue()
