"""Cancelled timers that come first: an idle loop forgets them."""

import time
import weakref

import pytest

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


def sleep_in_a_thread(loop):
    """Leave the loop idle for a moment, without a timer for it."""
    loop.run_until_complete(loop.run_in_executor(None, time.sleep, 0.01))


def test_an_idle_loop_forgets_the_cancelled_timers_that_come_first(loop):
    """So that it is not woken for them."""
    timers = [loop.call_later(3600 + number, int) for number in range(4)]
    for timer in timers[:2] + timers[3:]:
        timer.cancel()
    sleep_in_a_thread(loop)
    assert [timer._scheduled for timer in timers] == [False, False, True, True]
    assert sorted(loop._scheduled) == timers[2:]
    timers[2].cancel()
    sleep_in_a_thread(loop)
    assert list(loop._scheduled) == []


def test_forgetting_a_timer_may_make_and_cancel_others(loop):
    """Whoever watches a forgotten timer is told, in the middle of it."""
    made = []

    def forgotten(_):
        later.cancel()
        made.append(loop.call_later(1800, int))
        made.append(loop.call_later(900, int))
        made[1].cancel()

    later = loop.call_later(7200, int)
    watched = loop.call_later(3600, int)
    reference = weakref.ref(watched, forgotten)
    watched.cancel()
    del watched
    sleep_in_a_thread(loop)
    assert reference() is None
    assert len(made) == 2
    sleep_in_a_thread(loop)
    assert made[0]._scheduled
    assert not made[1]._scheduled
    made[0].cancel()
    sleep_in_a_thread(loop)
    assert list(loop._scheduled) == []
