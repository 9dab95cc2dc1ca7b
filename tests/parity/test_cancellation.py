"""Cancelling tasks: when it arrives, how it is counted, what it carries."""

import asyncio
import sys

import pytest
from turns import run_ready, yield_turns

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


async def forever(loop):
    await loop.create_future()


async def outcome(task):
    """Wait for ``task`` and say how it ended."""
    await asyncio.wait([task])
    if task.cancelled():
        return "cancelled"
    return task.exception() or task.result()


def test_a_task_cancelled_before_its_first_step_never_runs(loop, library):
    seen = []

    async def body():
        seen.append("ran")

    task = library.Task(body(), loop=loop)
    assert task.cancel() is True
    assert task._must_cancel is True
    assert not task.cancelled()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    assert seen == []
    assert task.cancelled() and task.done()


async def test_a_waiting_task_is_cancelled_through_its_future(loop, library):
    future = loop.create_future()

    async def body():
        await future

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    assert task._fut_waiter is future
    assert task.cancel() is True
    assert future.cancelled()
    assert task._must_cancel is False
    assert not task.done()
    assert await outcome(task) == "cancelled"


async def test_a_task_that_only_yielded_is_cancelled_at_its_next_step(loop, library):
    seen = []

    async def body():
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    task.cancel()
    assert task._must_cancel is True
    assert await outcome(task) == "cancelled"
    assert seen == ["cancelled"]


async def test_cancelling_reaches_the_innermost_task(loop, library):
    order = []

    async def level(depth):
        try:
            if depth:
                await library.Task(level(depth - 1), loop=loop)
            else:
                await forever(loop)
        except asyncio.CancelledError:
            order.append(depth)
            raise

    task = library.Task(level(3), loop=loop)
    await yield_turns(5)
    task.cancel()
    assert await outcome(task) == "cancelled"
    assert order == [0, 1, 2, 3]


async def test_a_done_task_cannot_be_cancelled(loop):
    task = loop.create_task(asyncio.sleep(0, 1))
    await task
    assert task.cancel() is False
    assert task.cancelling() == 0
    assert not task.cancelled()


@pytest.mark.parametrize("message", ["why", 5, ("a", "b"), None])
async def test_a_message_arrives_in_the_task_and_at_the_waiter(loop, library, message):
    seen = []

    async def body():
        try:
            await forever(loop)
        except asyncio.CancelledError as error:
            seen.append(error.args)
            raise

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    task.cancel(msg=message)
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    expected = () if message is None else (message,)
    assert seen == [expected]
    assert caught.value.args == expected
    assert asyncio.current_task().cancelling() == 0


async def test_the_message_of_a_task_that_never_ran(loop, library):
    task = library.Task(forever(loop), loop=loop)
    task.cancel("early")
    with pytest.raises(asyncio.CancelledError, match="^early$"):
        await task
    with pytest.raises(asyncio.CancelledError):
        task.exception()
    with pytest.raises(asyncio.CancelledError):
        task.result()


async def test_the_last_message_wins(loop, library):
    task = library.Task(forever(loop), loop=loop)
    task.cancel("first")
    task.cancel("second")
    with pytest.raises(asyncio.CancelledError, match="^second$"):
        await task


async def test_a_task_may_survive(loop, library):
    async def body():
        try:
            await forever(loop)
        except asyncio.CancelledError:
            pass
        await asyncio.sleep(0)
        return "survived"

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "survived"
    assert task.cancelling() == 1
    assert not task.cancelled()


async def test_another_exception_replaces_the_cancellation(loop, library):
    async def body():
        try:
            await forever(loop)
        finally:
            raise ValueError("instead")

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(ValueError, match="instead") as caught:
        await task
    assert type(caught.value.__context__) is asyncio.CancelledError


async def test_finally_may_await_during_cancellation(loop, library):
    seen = []

    async def body():
        try:
            await forever(loop)
        finally:
            await asyncio.sleep(0.001)
            seen.append("cleaned")

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    task.cancel()
    assert await outcome(task) == "cancelled"
    assert seen == ["cleaned"]


async def test_a_raised_cancelled_error_cancels_the_task(loop, library):
    async def body():
        raise asyncio.CancelledError("by itself")

    task = library.Task(body(), loop=loop)
    with pytest.raises(asyncio.CancelledError, match="by itself"):
        await task
    assert task.cancelled()
    assert task.cancelling() == 0


async def test_a_subclass_of_cancelled_error_cancels_too(loop, library):
    class Special(asyncio.CancelledError):
        pass

    async def body():
        raise Special("special")

    task = library.Task(body(), loop=loop)
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert task.cancelled()
    assert type(caught.value) is Special


async def test_a_running_task_cancels_itself(loop, library):
    seen = []

    async def body():
        asyncio.current_task().cancel()
        seen.append("still running")
        await asyncio.sleep(0)
        seen.append("never")

    assert await outcome(library.Task(body(), loop=loop)) == "cancelled"
    assert seen == ["still running"]


async def test_a_task_that_cancels_itself_and_returns_is_cancelled(loop, library):
    async def body():
        asyncio.current_task().cancel("late")
        return "value"

    task = library.Task(body(), loop=loop)
    with pytest.raises(asyncio.CancelledError, match="^late$"):
        await task
    assert task.cancelled()


async def test_a_task_that_cancels_itself_and_fails(loop, library):
    async def body():
        asyncio.current_task().cancel()
        raise ValueError("stronger")

    with pytest.raises(ValueError, match="stronger"):
        await library.Task(body(), loop=loop)


async def test_cancelling_is_counted(loop, library):
    task = library.Task(forever(loop), loop=loop)
    assert task.cancelling() == 0
    assert task.uncancel() == 0
    task.cancel()
    task.cancel()
    assert task.cancelling() == 2
    assert task.uncancel() == 1
    assert task.uncancel() == 0
    assert task.uncancel() == 0
    assert task.cancelling() == 0
    task.cancel()
    assert await outcome(task) == "cancelled"
    assert task.cancelling() == 1


async def test_uncancel_before_the_step(loop, library):
    """Since 3.13 a count of zero also takes back what was not yet delivered."""

    async def body():
        await asyncio.sleep(0)
        return "ran"

    task = library.Task(body(), loop=loop)
    task.cancel()
    task.uncancel()
    if sys.version_info >= (3, 13):
        assert task._must_cancel is False
        assert await outcome(task) == "ran"
    else:
        assert task._must_cancel is True
        assert await outcome(task) == "cancelled"


async def test_cancelling_when_the_awaited_future_is_already_done(loop, library):
    """The wake-up is queued: the future refuses, so the task keeps the request."""
    future = loop.create_future()

    async def body():
        await future
        return "woken"

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    future.set_result(None)
    assert task.cancel() is True
    assert task._must_cancel is True
    assert await outcome(task) == "cancelled"
    assert not future.cancelled()


async def test_cancelling_while_the_wake_up_of_an_error_is_queued(loop, library):
    future = loop.create_future()
    seen = []

    async def body():
        try:
            await future
        except BaseException as error:
            seen.append(type(error))
            raise

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    future.set_exception(ValueError())
    task.cancel()
    assert await outcome(task) == "cancelled"
    assert seen == [asyncio.CancelledError]


async def test_cancelled_future_is_not_a_cancelled_waiter(loop, library):
    future = loop.create_future()
    seen = []

    async def body():
        try:
            await future
        except asyncio.CancelledError:
            seen.append(asyncio.current_task().cancelling())
        return "went on"

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    future.cancel()
    assert await task == "went on"
    assert seen == [0]


async def test_cancelling_in_a_done_callback(loop, library):
    other = library.Task(forever(loop), loop=loop)
    first = library.Task(asyncio.sleep(0), loop=loop)
    first.add_done_callback(lambda done: other.cancel("by callback"))
    with pytest.raises(asyncio.CancelledError, match="by callback"):
        await other


def test_cancelling_outside_the_running_loop(loop, library):
    task = library.Task(forever(loop), loop=loop)
    run_ready(loop)
    task.cancel()
    assert not task.done()
    run_ready(loop)
    run_ready(loop)
    assert task.cancelled()


async def test_cancelling_a_thousand_waiters_of_one_future(loop, library):
    future = loop.create_future()

    async def body():
        await asyncio.shield(future)

    tasks = [library.Task(body(), loop=loop) for _ in range(1000)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    assert not future.cancelled()
    assert not future._callbacks  # nobody is left in the list of the future
    future.cancel()


async def test_a_deep_chain_is_cancelled_whatever_recursion_costs(loop, library):
    async def link(before):
        await (before or forever(loop))

    task = None
    chain = []
    for _ in range(200):
        task = library.Task(link(task), loop=loop)
        chain.append(task)
    await yield_turns(2)
    task.cancel()
    assert await outcome(task) == "cancelled"
    assert all(member.cancelled() for member in chain)


async def test_cancelling_tasks_that_wait_for_each_other_is_a_recursion(loop, library):
    tasks = []

    async def waits(number):
        await asyncio.sleep(0)
        await tasks[number]

    tasks.append(loop.create_task(waits(1)))
    tasks.append(loop.create_task(waits(0)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(RecursionError):
        tasks[0].cancel()
    for task in tasks:
        task.get_coro().close()
        task._log_destroy_pending = False
