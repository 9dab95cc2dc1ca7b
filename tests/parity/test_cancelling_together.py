"""Cancelling through ``shield``, ``gather``, ``wait``, ``wait_for``, ``timeout`` and ``TaskGroup``."""

import asyncio

import pytest
from turns import yield_turns

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


async def forever(loop):
    await loop.create_future()


async def outcome(task):
    """Wait for ``task`` and say how it ended."""
    await asyncio.wait([task])
    if task.cancelled():
        return "cancelled"
    return task.exception() or task.result()


async def test_shield_keeps_the_inner_task(loop, library):
    inner = library.Task(asyncio.sleep(0.003, "inner"), loop=loop)

    async def body():
        await asyncio.shield(inner)

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    task.cancel()
    assert await outcome(task) == "cancelled"
    assert not inner.cancelled()
    assert await inner == "inner"


async def test_gather_cancels_its_children(loop, library):
    children = [library.Task(forever(loop), loop=loop) for _ in range(3)]

    async def body():
        await asyncio.gather(*children)

    task = library.Task(body(), loop=loop)
    await yield_turns(2)
    task.cancel("all")
    with pytest.raises(asyncio.CancelledError, match="^all$"):
        await task
    assert all(child.cancelled() for child in children)


async def test_gather_hands_on_a_cancelled_child(loop, library):
    children = [library.Task(forever(loop), loop=loop) for _ in range(2)]
    gathered = asyncio.gather(*children)
    await asyncio.sleep(0)
    children[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathered
    assert not children[1].done()
    children[1].cancel()
    await asyncio.wait(children)


async def test_wait_leaves_its_tasks_alone(loop, library):
    child = library.Task(asyncio.sleep(0.002, "kept"), loop=loop)

    async def body():
        await asyncio.wait([child])

    task = library.Task(body(), loop=loop)
    await yield_turns(2)
    task.cancel()
    assert await outcome(task) == "cancelled"
    assert await child == "kept"


async def test_wait_for_cancels_what_is_late(loop, library):
    child = library.Task(forever(loop), loop=loop)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(child, 0.002)
    assert child.cancelled()
    assert asyncio.current_task().cancelling() == 0


async def test_cancelling_wait_for_cancels_what_it_waits_for(loop, library):
    child = library.Task(forever(loop), loop=loop)
    task = library.Task(asyncio.wait_for(child, 60), loop=loop)
    await yield_turns(3)
    task.cancel()
    assert await outcome(task) == "cancelled"
    assert child.cancelled()


async def test_a_timeout_is_not_a_cancellation_of_the_task(loop):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.002):
            await forever(loop)
    assert asyncio.current_task().cancelling() == 0


async def test_nested_timeouts_blame_the_right_one(loop):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.002) as outer:
            async with asyncio.timeout(60) as inner:
                await forever(loop)
    assert outer.expired()
    assert not inner.expired()


async def test_a_cancelled_timeout_stays_a_cancellation(loop, library):
    async def body():
        async with asyncio.timeout(60):
            await forever(loop)

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    task.cancel("outside")
    with pytest.raises(asyncio.CancelledError, match="outside"):
        await task


async def test_a_task_group_cancels_the_siblings(loop):
    seen = []

    async def sibling():
        try:
            await forever(loop)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def bad():
        await asyncio.sleep(0)
        raise ValueError("bad")

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            group.create_task(sibling())
            group.create_task(sibling())
            group.create_task(bad())
    assert [type(error) for error in caught.value.exceptions] == [ValueError]
    assert seen == ["cancelled", "cancelled"]


async def test_cancelling_a_task_group(loop, library):
    children = []

    async def body():
        async with asyncio.TaskGroup() as group:
            children.append(group.create_task(forever(loop)))
            children.append(group.create_task(forever(loop)))

    task = library.Task(body(), loop=loop)
    await yield_turns(3)
    task.cancel("group")
    with pytest.raises(asyncio.CancelledError, match="group"):
        await task
    assert all(child.cancelled() for child in children)
    assert task.cancelling() == 1
