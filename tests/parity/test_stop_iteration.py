"""How a Future ends whoever awaits it: the StopIteration that carries its result."""

import gc
import weakref

import pytest


class Weakly:
    """A result that can be watched."""


RESULTS = [None, True, 0, 1 << 80, 1.5, "text", b"bytes", "x" * 5000, (1, 2), [1], ValueError("a value"), Weakly()]


def finished(loop, result):
    future = loop.create_future()
    future.set_result(result)
    return future


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_every_result_arrives_through_next(loop, result):
    with pytest.raises(StopIteration) as caught:
        next(finished(loop, result).__await__())
    assert type(caught.value) is StopIteration
    assert caught.value.value is result
    assert caught.value.args == (() if result is None and not caught.value.args else (result,))


def test_an_exception_that_is_kept_is_not_changed_by_the_next_one(loop):
    kept = []
    for number in (1000, 2000, 3000):
        with pytest.raises(StopIteration) as caught:
            next(finished(loop, number).__await__())
        kept.append(caught.value)
    assert [(one.value, one.args) for one in kept] == [(1000, (1000,)), (2000, (2000,)), (3000, (3000,))]
    assert len({id(one) for one in kept}) == 3


def test_an_exception_that_was_marked_is_not_used_again(loop):
    with pytest.raises(StopIteration) as caught:
        next(finished(loop, 1).__await__())
    caught.value.mark = "mine"
    del caught
    gc.collect()
    with pytest.raises(StopIteration) as caught:
        next(finished(loop, 2).__await__())
    assert not hasattr(caught.value, "mark")
    assert caught.value.__traceback__ is not None  # this test's own frame
    assert caught.value.__context__ is None and caught.value.__cause__ is None


def test_a_result_is_not_held_once_it_was_delivered(loop):
    async def take():
        watched = weakref.ref(await deliver())
        gc.collect()
        return watched()

    async def deliver():
        return await finished(loop, Weakly())

    assert loop.run_until_complete(take()) is None
