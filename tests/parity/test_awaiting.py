"""Awaiting a ``Future``: the iterator protocol, several waiters, results and errors."""

import asyncio
import concurrent.futures

import pytest

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


@pytest.fixture
def future(loop, library):
    return library.Future(loop=loop)


async def test_awaiting_a_done_future_does_not_yield(loop, future):
    loop.call_soon(future.get_loop)
    future.set_result(1)
    ran = []
    loop.call_soon(ran.append, 1)
    assert await future == 1
    assert ran == []
    assert await future == 1


async def test_awaiting_a_pending_future(loop, future):
    loop.call_soon(future.set_result, 5)
    assert await future == 5


async def test_awaiting_a_failing_future(loop, future):
    error = KeyError("wrong")
    loop.call_soon(future.set_exception, error)
    with pytest.raises(KeyError) as caught:
        await future
    assert caught.value is error
    with pytest.raises(KeyError):
        await future


async def test_awaiting_a_cancelled_future(loop, future):
    loop.call_soon(future.cancel, "why")
    with pytest.raises(asyncio.CancelledError, match="^why$"):
        await future
    assert asyncio.current_task().cancelling() == 0


async def test_many_tasks_await_one_future_and_wake_in_order(loop, future):
    woken = []

    async def wait(number):
        woken.append((number, await future))

    tasks = [loop.create_task(wait(number)) for number in range(10)]
    await asyncio.sleep(0)
    future.set_result("go")
    await asyncio.gather(*tasks)
    assert woken == [(number, "go") for number in range(10)]


async def test_results_that_look_like_ends_of_iteration(loop, future):
    value = (1, 2)
    loop.call_soon(future.set_result, value)
    assert await future is value
    other = loop.create_future()
    error = StopIteration(7)
    loop.call_soon(other.set_result, error)
    assert await other is error


def test_the_await_protocol_by_hand(loop, future):
    iterator = future.__await__()
    assert next(iterator) is future
    assert future._asyncio_future_blocking is True
    with pytest.raises(RuntimeError, match="^await wasn't used with future$"):
        next(iterator)
    future.set_result("value")
    with pytest.raises(StopIteration) as caught:
        iterator.send(None)
    assert caught.value.value == "value"


def test_two_iterators_of_one_future(future):
    first, second = future.__await__(), iter(future)
    assert next(first) is future
    future._asyncio_future_blocking = False
    assert next(second) is future
    future._asyncio_future_blocking = False
    future.set_result((1,))
    for iterator in (first, second):
        with pytest.raises(StopIteration) as caught:
            next(iterator)
        assert caught.value.value == (1,)


def test_throwing_into_the_iterator(future):
    error = ValueError("thrown")
    iterator = iter(future)
    next(iterator)
    with pytest.raises(ValueError) as caught:
        iterator.throw(error)
    assert caught.value is error
    for wrong in (1, int, "text"):
        with pytest.raises(TypeError):
            iter(future).throw(wrong)
    fresh = iter(future)
    fresh.close()
    future.cancel()


def test_yield_from_a_future(future):
    def generator():
        return (yield from future)

    running = generator()
    assert next(running) is future
    future.set_result(9)
    with pytest.raises(StopIteration) as caught:
        next(running)
    assert caught.value.value == 9


async def test_wrapping_a_concurrent_future(loop):
    source = concurrent.futures.Future()
    wrapped = asyncio.wrap_future(source, loop=loop)
    loop.call_soon(source.set_result, 3)
    assert await wrapped == 3
