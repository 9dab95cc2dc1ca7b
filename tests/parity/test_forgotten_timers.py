"""Cancelled timers that come first: an idle loop forgets them."""

import time
import weakref

import pytest

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


def idle_until(loop, count):
    """Leave the loop idle, without a timer for that, until so many timers are left; on a busy machine not at once."""
    for _ in range(500):
        loop.run_until_complete(loop.run_in_executor(None, time.sleep, 0.01))
        if len(loop._scheduled) == count:
            return
    raise AssertionError(f"timers are left: {loop._scheduled}, not {count}")


def test_an_idle_loop_forgets_the_cancelled_timers_that_come_first(loop):
    """So that it is not woken for them."""
    timers = [loop.call_later(3600 + number, int) for number in range(4)]
    for timer in timers[:2] + timers[3:]:
        timer.cancel()
    idle_until(loop, 2)
    assert [timer._scheduled for timer in timers] == [False, False, True, True]
    assert sorted(loop._scheduled) == timers[2:]
    timers[2].cancel()
    idle_until(loop, 0)
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
    idle_until(loop, 2)  # the one of half an hour, and behind it `later`
    assert reference() is None
    assert len(made) == 2
    assert made[0]._scheduled
    assert not made[1]._scheduled
    made[0].cancel()
    idle_until(loop, 0)
    assert list(loop._scheduled) == []
