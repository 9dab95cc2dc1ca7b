"""Eager start: the first step runs inside the call that makes the task."""

import asyncio
import contextvars
import gc
import sys
import weakref

import pytest
from turns import yield_turns

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 12), reason="eager start is new in 3.12"),
    pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"]),
]


@pytest.fixture
def factory(loop, library):
    """The loop with the library's eager task factory."""
    loop.set_task_factory(library.eager_task_factory)
    return library.eager_task_factory


async def give(value):
    return value


async def test_the_factory_makes_the_librarys_tasks(loop, library, factory):
    task = loop.create_task(give(1))
    assert type(task) is library.Task
    assert task.done()
    assert await task == 1


async def test_a_body_that_never_waits_is_done_at_once(loop, factory):
    seen = []

    async def body():
        seen.append("ran")
        return "value"

    task = loop.create_task(body())
    assert seen == ["ran"]
    assert task.done()
    assert task.result() == "value"
    assert task not in asyncio.all_tasks()


async def test_a_body_that_waits_goes_on_later(loop, factory):
    seen = []

    async def body():
        seen.append(1)
        await asyncio.sleep(0)
        seen.append(2)

    task = loop.create_task(body())
    assert seen == [1]
    assert not task.done()
    assert task in asyncio.all_tasks()
    await task
    assert seen == [1, 2]


async def test_an_error_stays_in_the_task(loop, factory):
    async def body():
        raise ValueError("eager")

    task = loop.create_task(body())
    assert task.done()
    with pytest.raises(ValueError, match="eager"):
        await task


async def test_a_cancellation_raised_at_once(loop, factory):
    async def body():
        raise asyncio.CancelledError("eager")

    task = loop.create_task(body())
    assert task.cancelled()
    with pytest.raises(asyncio.CancelledError, match="eager"):
        await task


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupts_leave_the_call(loop, factory, reports, kind):
    tasks = []

    async def body():
        raise kind("eager")

    async def main():
        with pytest.raises(kind, match="eager"):
            loop.create_task(body())
        tasks.append("went on")

    loop.run_until_complete(main())
    assert tasks == ["went on"]
    gc.collect()
    context = reports.take_one()  # nobody holds the task that failed
    assert context["message"] == "Task exception was never retrieved"
    assert type(context["exception"]) is kind


async def test_the_current_task_changes_and_comes_back(loop, factory):
    seen = []
    outer = asyncio.current_task()

    async def body():
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    task = loop.create_task(body())
    assert asyncio.current_task() is outer
    assert seen == [task]
    await task
    assert seen == [task, task]
    assert asyncio.current_task() is outer


async def test_nested_eager_tasks(loop, factory):
    seen = []

    async def inner(number):
        seen.append(("in", number, asyncio.current_task()))
        if number:
            seen.append(await loop.create_task(inner(number - 1)))
        return number

    task = loop.create_task(inner(3))
    assert task.done()
    assert task.result() == 3
    assert [entry for entry in seen if isinstance(entry, int)] == [0, 1, 2]
    assert len({entry[2] for entry in seen if isinstance(entry, tuple)}) == 4


async def test_the_eager_task_is_listed_while_it_runs(loop, factory):
    listed = []

    async def body():
        listed.append(asyncio.current_task() in asyncio.all_tasks())

    task = loop.create_task(body())
    assert listed == [True]
    assert task not in asyncio.all_tasks()


async def test_the_first_step_has_a_context_of_its_own(loop, factory):
    variable = contextvars.ContextVar("variable", default="outside")
    seen = []

    async def body():
        seen.append(variable.get())
        variable.set("inside")
        await asyncio.sleep(0)
        seen.append(variable.get())

    token = variable.set("caller")
    task = loop.create_task(body())
    assert variable.get() == "caller"
    await task
    assert seen == ["caller", "inside"]
    variable.reset(token)


async def test_a_context_given(loop, factory):
    variable = contextvars.ContextVar("variable", default="outside")
    context = contextvars.copy_context()

    async def body():
        variable.set("set")

    await loop.create_task(body(), context=context)
    assert context[variable] == "set"
    assert variable.get() == "outside"


async def test_names(loop, factory):
    task = loop.create_task(give(1), name="eager")
    assert task.get_name() == "eager"


async def test_task_with_eager_start(loop, library):
    seen = []

    async def body():
        seen.append("ran")

    task = library.Task(body(), loop=loop, eager_start=True)
    assert seen == ["ran"]
    assert task.done()
    lazy = library.Task(body(), loop=loop, eager_start=False)
    assert seen == ["ran"]
    await lazy
    assert seen == ["ran", "ran"]


def test_without_a_running_loop_the_start_is_not_eager(loop, library):
    seen = []

    async def body():
        seen.append("ran")

    if sys.version_info >= (3, 14):
        task = library.Task(body(), loop=loop, eager_start=True)
        assert seen == []
        loop.run_until_complete(task)
    else:
        task = library.Task(body(), loop=loop, eager_start=True)
        loop.run_until_complete(task)
    assert seen == ["ran"]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="create_task forwards since 3.14")
async def test_create_task_forwards_eager_start(loop):
    seen = []

    async def body():
        seen.append("ran")

    task = loop.create_task(body(), eager_start=True)
    assert seen == ["ran"]
    await task


@pytest.mark.skipif(sys.version_info < (3, 14), reason="create_task forwards since 3.14")
async def test_eager_start_false_overrides_the_factory(loop, factory):
    seen = []

    async def body():
        seen.append("ran")

    task = loop.create_task(body(), eager_start=False)
    assert seen == []
    await task
    assert seen == ["ran"]


async def test_the_standard_eager_factory_works_here(loop):
    loop.set_task_factory(asyncio.eager_task_factory)
    task = loop.create_task(give(5))
    assert task.done()
    assert isinstance(task, asyncio.Task)
    assert await task == 5

    async def later():
        await asyncio.sleep(0)
        return 6

    assert await loop.create_task(later()) == 6


async def test_create_eager_task_factory_takes_the_librarys_task(loop, library):
    class Special(library.Task):
        pass

    loop.set_task_factory(asyncio.create_eager_task_factory(Special))
    task = loop.create_task(give(1))
    assert type(task) is Special
    assert task.done()
    await task


async def test_awaiting_futures_and_tasks_from_the_first_step(loop, factory):
    future = loop.create_future()

    async def body():
        return await future

    task = loop.create_task(body())
    assert task._fut_waiter is future
    loop.call_soon(future.set_result, 4)
    assert await task == 4


async def test_cancelling_after_an_eager_step(loop, factory):
    async def body():
        await loop.create_future()

    task = loop.create_task(body())
    task.cancel("late")
    with pytest.raises(asyncio.CancelledError, match="late"):
        await task


async def test_cancelling_from_inside_the_eager_step(loop, factory):
    async def body():
        asyncio.current_task().cancel("inside")
        await asyncio.sleep(0)

    task = loop.create_task(body())
    with pytest.raises(asyncio.CancelledError, match="inside"):
        await task


async def test_gather_task_group_and_timeouts(loop, factory):
    assert await asyncio.gather(*(give(number) for number in range(5))) == [0, 1, 2, 3, 4]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(give(number)) for number in range(5)]
        assert all(task.done() for task in tasks)
    assert [task.result() for task in tasks] == [0, 1, 2, 3, 4]
    async with asyncio.timeout(60):
        assert await asyncio.wait_for(give(1), 60) == 1
    assert await asyncio.shield(give(2)) == 2
    done, pending = await asyncio.wait([loop.create_task(give(3))])
    assert len(done) == 1 and not pending


async def test_done_callbacks_of_an_eager_task_run_later(loop, factory):
    seen = []
    task = loop.create_task(give(1))
    task.add_done_callback(seen.append)
    assert seen == []
    await asyncio.sleep(0)
    assert seen == [task]


async def test_a_finished_eager_task_is_freed(loop, factory):
    task = loop.create_task(give(1))
    reference = weakref.ref(task)
    del task
    gc.collect()
    assert reference() is None


async def test_bad_yields_of_the_first_step(loop, factory):
    import types

    @types.coroutine
    def yields():
        yield 1

    async def body():
        await yields()

    task = loop.create_task(body())
    await yield_turns(2)
    assert str(task.exception()) == "Task got bad yield: 1"
