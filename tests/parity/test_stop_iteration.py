"""How a Future ends whoever awaits it: the StopIteration that carries its result."""

import gc
import threading
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


def test_threads_whose_steps_overlap_leave_nothing_behind(loop, library):
    """One begins a step while another is in the middle of one, and ends after it."""
    first_began, second_began, first_ended = threading.Event(), threading.Event(), threading.Event()

    async def first():
        first_began.set()
        assert second_began.wait(10)

    async def second():
        second_began.set()
        assert first_ended.wait(10)

    def run(coroutine, ended):
        own = library.new_event_loop()
        try:
            own.run_until_complete(coroutine)
        finally:
            own.close()
            ended.set()

    one = threading.Thread(target=run, args=(first(), first_ended))
    one.start()
    assert first_began.wait(10)
    other = threading.Thread(target=run, args=(second(), threading.Event()))
    other.start()
    one.join(10)
    other.join(10)

    def end_a_future_by_hand():
        local = Weakly()
        with pytest.raises(StopIteration):
            next(finished(loop, True).__await__())
        return weakref.ref(local)

    local = end_a_future_by_hand()
    gc.collect()
    assert local() is None


def test_a_result_is_not_held_once_it_was_delivered(loop):
    async def take():
        watched = weakref.ref(await deliver())
        gc.collect()
        return watched()

    async def deliver():
        return await finished(loop, Weakly())

    assert loop.run_until_complete(take()) is None
