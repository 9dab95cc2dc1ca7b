"""``call_later``, ``call_at``, ``time`` and ``TimerHandle``: deadlines, order, cancelling."""

import asyncio
import contextvars
import decimal
import fractions
import gc
import math
import os
import sys
import threading
import time
import weakref

import pytest
from turns import run_ready, run_turns, run_until

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])

tepal_alone = pytest.mark.parametrize("library", ["tepal"], indirect=True)


def test_time_is_the_monotonic_clock(loop):
    """aiohttp and others mix ``loop.time()`` with ``time.monotonic()``."""
    before = time.monotonic()
    now = loop.time()
    after = time.monotonic()
    assert type(now) is float
    assert before <= now <= after


def test_timers_run_in_the_order_of_deadlines(loop):
    seen = []
    now = loop.time()
    for number in (3, 1, 4, 0, 2):
        loop.call_at(now + 0.002 * number, seen.append, number)
    run_until(loop, lambda: len(seen) == 5)
    assert seen == [0, 1, 2, 3, 4]


def test_past_deadlines_run_in_the_order_of_deadlines(loop):
    seen = []
    now = loop.time()
    for number in (3, 1, 4, 0, 2):
        loop.call_at(now - 100 + number, seen.append, number)
    run_turns(loop, 2)
    assert seen == [0, 1, 2, 3, 4]


@tepal_alone
def test_many_equal_deadlines_run_in_the_order_of_scheduling(loop):
    """asyncio's heap promises no order here; tepal's has a sequence number."""
    seen = []
    when = loop.time() + 0.005
    for number in range(500):
        loop.call_at(when if number % 2 else when - 0.001, seen.append, number)
    run_until(loop, lambda: len(seen) == 500)
    assert seen == [*range(0, 500, 2), *range(1, 500, 2)]


def test_a_timer_is_never_early(loop):
    early = []

    def check(when):
        now = loop.time()
        if now < when - loop._clock_resolution:
            early.append(when - now)

    handles = []
    for number in range(40):
        when = loop.time() + 0.00037 * number
        handles.append(loop.call_at(when, check, when))
    loop.call_later(0.02, loop.stop)
    loop.run_forever()
    assert early == []


async def test_sleep_is_never_early(loop):
    for delay in (0.0001, 0.0004, 0.0005, 0.0009, 0.001, 0.0015, 0.003):
        start = time.monotonic()
        await asyncio.sleep(delay)
        assert time.monotonic() - start >= delay - loop._clock_resolution


@tepal_alone
async def test_short_sleeps_do_not_wait_for_a_millisecond(loop):
    """Millisecond timers overshoot by about 1 ms; the least of many hides a busy machine."""
    overshoots = []
    for _ in range(31):
        start = time.monotonic()
        await asyncio.sleep(0.0003)
        overshoots.append(time.monotonic() - start - 0.0003)
    assert min(overshoots) < 0.0005


def test_call_later_zero_gives_a_timer_that_runs_after_what_is_ready(loop, library):
    seen = []
    handle = loop.call_later(0, seen.append, "timer")
    assert isinstance(handle, library.TimerHandle)
    assert isinstance(handle, asyncio.TimerHandle)
    assert isinstance(handle, asyncio.Handle)
    assert handle.when() <= loop.time()
    loop.call_soon(seen.append, "ready")
    assert seen == []
    run_turns(loop, 2)
    assert seen == ["ready", "timer"]


@pytest.mark.parametrize("delay", [-1, -0.5, -1e9, -math.inf])
def test_a_negative_delay_is_due_at_once(loop, delay):
    seen = []
    loop.call_later(delay, seen.append, 1)
    run_turns(loop, 2)
    assert seen == [1]


@pytest.mark.parametrize("delay", [1e6, 1e12, 1e300, math.inf])
def test_a_huge_delay_is_accepted(loop, delay):
    seen = []
    handle = loop.call_later(delay, seen.append, "never")
    assert handle.when() == loop.time() + delay or handle.when() <= loop.time() + delay
    loop.call_later(0.005, loop.stop)
    loop.run_forever()
    assert seen == []
    handle.cancel()


@tepal_alone
def test_a_deadline_that_is_no_number(loop):
    """asyncio's loop dies of it in its wait; here it is refused or never due, and others go on."""
    try:
        handle = loop.call_later(math.nan, print, "never")
    except ValueError:
        handle = None
    seen = []
    loop.call_later(0.002, seen.append, 1)
    run_until(loop, lambda: bool(seen))
    if handle:
        handle.cancel()


@pytest.mark.parametrize("delay", [0, 1, True, 0.001])
def test_delays_of_every_number_type(loop, delay):
    handle = loop.call_later(delay, int)
    assert type(handle.when()) is float
    handle.cancel()


def test_when_is_what_was_asked(loop):
    now = loop.time()
    handle = loop.call_at(now + 12.5, int)
    assert handle.when() == now + 12.5
    before = loop.time()
    later = loop.call_later(3, int)
    after = loop.time()
    assert before + 3 <= later.when() <= after + 3
    handle.cancel()
    later.cancel()


def test_wrong_arguments(loop):
    with pytest.raises(TypeError, match="^delay must not be None$"):
        loop.call_later(None, int)
    with pytest.raises(TypeError, match="^when cannot be None$"):
        loop.call_at(None, int)
    for delay in ("1", b"1", decimal.Decimal(1), [], object()):
        with pytest.raises(TypeError, match=r"^unsupported operand type\(s\) for \+: 'float' and '"):
            loop.call_later(delay, int)
    assert loop.call_later(fractions.Fraction(1, 2), int).cancel() is None
    with pytest.raises(TypeError, match=r"call_later\(\) missing 1 required positional argument: 'callback'$"):
        loop.call_later(1)
    with pytest.raises(
        TypeError, match=r"call_later\(\) missing 2 required positional arguments: 'delay' and 'callback'$"
    ):
        loop.call_later()
    with pytest.raises(TypeError, match=r"call_at\(\) got an unexpected keyword argument 'begin'$"):
        loop.call_at(begin=1)
    with pytest.raises(TypeError):
        loop.call_at(1)
    with pytest.raises(TypeError):
        loop.call_later(1, print, end="")


def test_debug_mode_refuses_what_cannot_be_called(loop):
    if not loop.get_debug():
        handle = loop.call_later(1, 1)
        handle.cancel()
        return

    async def nothing():
        pass

    with pytest.raises(TypeError, match=r"a callable object was expected by call_at\(\), got 1"):
        loop.call_later(1, 1)
    with pytest.raises(TypeError, match=r"coroutines cannot be used with call_at\(\)"):
        loop.call_at(1, nothing)


def test_a_closed_loop_refuses(loop):
    loop.close()
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop.call_later(1, int)
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop.call_at(1, int)


def test_closing_drops_timers(loop):
    class Argument:
        pass

    argument = Argument()
    reference = weakref.ref(argument)
    loop.call_later(1000, id, argument)
    del argument
    loop.close()
    gc.collect()
    assert reference() is None


def test_a_cancelled_timer_does_not_run(loop):
    seen = []
    handle = loop.call_later(0.001, seen.append, 1)
    loop.call_later(0.004, loop.stop)
    handle.cancel()
    assert handle.cancelled()
    handle.cancel()
    loop.run_forever()
    assert seen == []


def test_cancelling_drops_callback_and_arguments(loop):
    class Argument:
        pass

    argument = Argument()
    reference = weakref.ref(argument)
    handle = loop.call_later(1000, id, argument)
    del argument
    handle.cancel()
    gc.collect()
    assert reference() is None
    assert handle._callback is None
    assert handle._args is None


def test_a_timer_may_cancel_another_that_is_due_with_it(loop):
    seen = []
    now = loop.time()
    loop.call_at(now - 2, lambda: second.cancel())
    second = loop.call_at(now - 1, seen.append, "cancelled")
    loop.call_at(now, seen.append, "kept")
    run_turns(loop, 2)
    assert seen == ["kept"]


def test_a_timer_may_cancel_itself(loop):
    seen = []
    handle = loop.call_later(0, lambda: (handle.cancel(), seen.append(1)))
    run_turns(loop, 3)
    assert seen == [1]
    assert handle.cancelled()


def test_cancelling_after_the_run(loop):
    seen = []
    handle = loop.call_later(0, seen.append, 1)
    run_turns(loop, 2)
    handle.cancel()
    assert handle.cancelled()
    other = loop.call_later(0, seen.append, 2)
    run_turns(loop, 2)
    other.cancel()
    assert seen == [1, 2]


def test_cancelled_timers_are_purged(loop):
    """Cancelled timers must not stay until they are due: they may be due in a year."""
    handles = [loop.call_later(1000 + number, int) for number in range(1000)]
    kept = loop.call_later(2000, int)
    for handle in handles:
        handle.cancel()
    run_turns(loop, 2)
    assert len(loop._scheduled) < 200
    references = [weakref.ref(handle) for handle in handles]
    del handles, handle
    gc.collect()
    assert sum(reference() is not None for reference in references) < 200
    kept.cancel()


def test_the_timer_leaves_the_schedule_when_it_has_run(loop):
    handle = loop.call_later(0, int)
    assert handle._scheduled
    assert list(loop._scheduled) == [handle]
    run_turns(loop, 2)
    assert not handle._scheduled
    assert list(loop._scheduled) == []


def test_an_earlier_timer_added_while_waiting_for_a_later_one(loop):
    seen = []
    far = loop.call_later(60, seen.append, "far")
    start = time.monotonic()

    def from_thread():
        loop.call_soon_threadsafe(loop.call_later, 0.002, lambda: (seen.append("near"), loop.stop()))

    thread = threading.Timer(0.02, from_thread)
    thread.start()
    loop.run_forever()
    thread.join()
    assert seen == ["near"]
    assert time.monotonic() - start < 5
    far.cancel()


def test_the_turn_of_a_stopped_loop_runs_timers_and_readers(loop):
    """``stop()`` before or during a turn shortens the wait to nothing, not the turn itself."""
    seen = []
    reader, writer = os.pipe()
    os.write(writer, b"x")
    loop.add_reader(reader, seen.append, "reader")
    loop.call_at(loop.time() - 1, seen.append, "timer")
    loop.call_soon(seen.append, "ready")
    loop.stop()
    loop.run_forever()
    loop.remove_reader(reader)
    assert seen == ["ready", "reader", "timer"]
    os.close(reader)
    os.close(writer)


def test_timers_outlive_a_stop(loop):
    seen = []
    loop.call_later(0.05, seen.append, 1)
    run_ready(loop)
    assert seen == []
    run_until(loop, lambda: bool(seen))
    assert seen == [1]


def test_exceptions_in_timers_are_reported(loop, reports):
    error = ValueError("in a timer")

    def fail():
        raise error

    handle = loop.call_later(0, fail)
    run_turns(loop, 2)
    context = reports.take_one()
    assert context["exception"] is error
    assert context["handle"] is handle
    assert context["message"].startswith("Exception in callback ")


def test_an_idle_loop_burns_no_processor_time(loop):
    """No peer's 10 ms or 50 ms tick: an idle loop sleeps until its timer."""
    loop.call_later(0.3, loop.stop)
    switches = _voluntary_switches()
    used = time.thread_time()
    loop.run_forever()
    assert time.thread_time() - used < 0.05
    assert _voluntary_switches() - switches <= 6


def _voluntary_switches():
    import resource

    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def test_handles_are_ordered_by_deadline(loop, library):
    when = loop.time()
    early = loop.call_at(when + 10, int)
    late = loop.call_at(when + 20, int)
    assert early < late and early <= late
    assert late > early and late >= early
    assert early != late
    assert early == early and early <= early and early >= early
    assert not early < early
    assert sorted([late, early]) == [early, late]
    assert hash(early) == hash(when + 10)
    twin = library.TimerHandle(when + 10, int, (), loop)
    assert twin == early
    assert not twin != early
    with pytest.raises(TypeError):
        early < 1  # noqa: B015
    assert early != 1
    assert early.__lt__(1) is NotImplemented
    assert early.__eq__(1) is NotImplemented
    early.cancel()
    assert twin != early
    late.cancel()


def test_timer_handle_repr(loop):
    when = loop.time() + 100
    handle = loop.call_at(when, print)
    assert repr(handle).startswith(f"<TimerHandle when={when} ")
    handle.cancel()
    assert repr(handle).startswith("<TimerHandle cancelled")
    assert f"when={when}" in repr(handle)


def test_timer_handle_made_by_hand(loop, library):
    seen = []
    handle = library.TimerHandle(5.0, seen.append, (1,), loop, None)
    assert handle.when() == 5.0
    handle._run()
    assert seen == [1]


def test_timers_run_in_the_context_of_their_scheduling(loop):
    variable = contextvars.ContextVar("variable", default="outside")
    seen = []
    context = contextvars.copy_context()
    context.run(variable.set, "given")
    loop.call_later(0, lambda: seen.append(variable.get()), context=context)
    token = variable.set("copied")
    loop.call_at(loop.time(), lambda: seen.append(variable.get()))
    variable.reset(token)
    run_turns(loop, 2)
    assert seen == ["given", "copied"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Handle.get_context is new in 3.12")
def test_timer_handle_context(loop):
    context = contextvars.copy_context()
    handle = loop.call_later(10, int, context=context)
    assert handle.get_context() is context
    handle.cancel()


def test_timers_and_descriptors_share_the_wait(loop):
    reader, writer = os.pipe()
    seen = []
    try:
        loop.add_reader(reader, lambda: (seen.append(os.read(reader, 10)), loop.stop()))
        far = loop.call_later(60, seen.append, "far")
        loop.call_later(0.002, os.write, writer, b"x")
        loop.run_forever()
        assert seen == [b"x"]
        far.cancel()
        loop.remove_reader(reader)
    finally:
        os.close(reader)
        os.close(writer)


async def test_sleep_gives_its_result(loop):
    assert await asyncio.sleep(0, "zero") == "zero"
    assert await asyncio.sleep(0.001, "some") == "some"
    assert await asyncio.sleep(-1, "negative") == "negative"


async def test_a_cancelled_sleep_leaves_no_timer(loop):
    task = loop.create_task(asyncio.sleep(1000))
    await asyncio.sleep(0)
    assert [handle for handle in loop._scheduled if not handle._cancelled]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [handle for handle in loop._scheduled if not handle._cancelled] == []


async def test_many_mixed_waits_end_in_order(loop):
    ended = []
    start = loop.time() + 0.005

    async def waiter(number):
        due = loop.create_future()
        loop.call_at(start + 0.0005 * number, due.set_result, None)
        await due
        ended.append(number)

    # Deadlines that are past when they are set come first, in the order of their deadlines
    # only if set in one turn: so they are, all before the first task runs on.
    await asyncio.gather(*(waiter((number * 37) % 60) for number in range(60)))
    assert ended == list(range(60))


def test_a_negative_delay_is_due_before_what_is_due_now(loop):
    seen = []
    loop.call_later(0, seen.append, "now")
    loop.call_later(-1, seen.append, "a second ago")
    loop.call_later(-5, seen.append, "five seconds ago")
    run_turns(loop, 2)
    assert seen == ["five seconds ago", "a second ago", "now"]
