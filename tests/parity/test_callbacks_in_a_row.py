"""Callbacks that nobody holds a Handle of, one after the other: each in a context of its own.

tepal enters a context once for several such callbacks as long as nobody can tell.
"""

import asyncio
import contextvars
import gc
import sys
import weakref

import pytest
from turns import run_turns, yield_turns

variable = contextvars.ContextVar("variable", default="default")


@pytest.fixture(autouse=True)
def unchanged():
    yield
    assert variable.get() == "default"


async def test_what_one_sets_the_next_does_not_see(loop):
    seen = []

    def change(value):
        seen.append(variable.get())
        variable.set(value)
        seen.append(variable.get())

    for number in range(6):
        loop.call_soon(change, number)
        loop.call_soon(seen.append, "between")
    await yield_turns(1)
    assert seen == [entry for number in range(6) for entry in ("default", number, "between")]


async def test_what_one_sets_and_resets_leaves_no_trace(loop):
    seen = []

    def change():
        token = variable.set("changed")
        variable.reset(token)
        seen.append(variable.get())

    for _ in range(4):
        loop.call_soon(change)
    await yield_turns(1)
    assert seen == ["default"] * 4


async def test_a_context_that_a_callback_copies_stays_as_it_was(loop):
    copies = []

    def copy():
        copies.append(contextvars.copy_context())

    def change():
        variable.set("changed")

    for _ in range(3):
        loop.call_soon(copy)
        loop.call_soon(change)
    await yield_turns(1)
    assert [copy.get(variable, "unset") for copy in copies] == ["unset"] * 3


async def test_callbacks_scheduled_with_different_values_mix(loop):
    seen = []

    def note():
        seen.append(variable.get())

    expected = []
    for number in range(12):
        value = number // 3
        token = variable.set(value)
        loop.call_soon(note)
        variable.reset(token)
        expected.append(value)
    await yield_turns(1)
    assert seen == expected


async def test_what_dies_with_a_callback_dies_outside_of_its_context(loop):
    seen = []

    class Mortal:
        def __call__(self):
            assert variable.get() == "inner"

        def __del__(self):
            seen.append(variable.get())

    def returns_one():
        return Mortal()

    def takes(_one):
        pass

    token = variable.set("inner")
    for _ in range(2):
        loop.call_soon(Mortal())
        loop.call_soon(takes, Mortal())
        loop.call_soon(returns_one)
    variable.reset(token)
    await yield_turns(1)
    gc.collect()
    # The context of the loop itself: nobody has set anything in it.
    assert seen == ["default"] * 6


async def test_the_exception_handler_sees_what_the_callback_set(loop):
    seen = []
    loop.set_exception_handler(lambda _loop, context: seen.append((str(context["exception"]), variable.get())))

    def fail(value):
        variable.set(value)
        raise ValueError(value)

    def fail_at_once():
        raise ValueError("at once")

    for value in ("one", "two"):
        loop.call_soon(fail, value)
        loop.call_soon(fail_at_once)
    await yield_turns(1)
    # Since 3.12 the handler runs in the context of the Handle.
    own = sys.version_info >= (3, 12)
    assert seen == [
        ("one", "one" if own else "default"),
        ("at once", "default"),
        ("two", "two" if own else "default"),
        ("at once", "default"),
    ]


async def test_the_handle_in_a_report_is_whole(loop):
    reports = []
    loop.set_exception_handler(lambda _loop, context: reports.append(context))

    def fail(first, second):
        raise ValueError(first + second)

    loop.call_soon(fail, 1, 2)
    loop.call_soon(fail, 3, 4)
    await yield_turns(1)
    assert [report["handle"]._args for report in reports] == [(1, 2), (3, 4)]
    assert all(report["handle"]._callback is fail for report in reports)
    assert all("fail(" in report["message"] for report in reports)


async def test_one_may_cancel_the_next(loop):
    ran = []
    handles = []

    def cancel_all():
        ran.append("first")
        while handles:
            handles.pop().cancel()

    loop.call_soon(cancel_all)
    handles += [loop.call_soon(ran.append, "never") for _ in range(3)]
    loop.call_soon(ran.append, "last")
    await yield_turns(1)
    assert ran == ["first", "last"]


async def test_a_handle_known_by_a_weak_reference_only(loop):
    ran = []
    reference = weakref.ref(loop.call_soon(ran.append, "ran"))
    seen = []
    loop.call_soon(lambda: seen.append(reference() is None))
    await yield_turns(1)
    assert ran == ["ran"]
    assert seen == [True]
    assert reference() is None


async def test_its_own_handle_found_by_a_weak_reference(loop):
    seen = []

    def look():
        handle = reference()
        seen.append((handle._callback is look, handle._args, handle.cancelled()))

    reference = weakref.ref(loop.call_soon(look))
    await yield_turns(1)
    assert seen == [(True, (), False)]


def test_an_interrupt_leaves_the_rest_of_the_row(loop):
    ran = []

    def interrupt():
        raise KeyboardInterrupt

    loop.call_soon(ran.append, 1)
    loop.call_soon(interrupt)
    loop.call_soon(ran.append, 2)
    loop.call_soon(ran.append, 3)
    with pytest.raises(KeyboardInterrupt):
        run_turns(loop, 1)
    assert ran == [1]
    run_turns(loop, 1)
    assert ran == [1, 2, 3]


def test_stop_ends_the_loop_after_the_row(loop):
    ran = []
    loop.call_soon(ran.append, 1)
    loop.call_soon(loop.stop)
    loop.call_soon(ran.append, 2)
    loop.call_soon(lambda: loop.call_soon(ran.append, "next turn"))
    loop.run_forever()
    assert ran == [1, 2]
    run_turns(loop, 1)
    assert ran == [1, 2, "next turn"]


async def test_what_a_row_schedules_runs_in_the_next_turn(loop):
    ran = []

    def schedule(name):
        ran.append(name)
        loop.call_soon(ran.append, name + "'s")

    loop.call_soon(schedule, "a")
    loop.call_soon(schedule, "b")
    await yield_turns(1)
    assert ran == ["a", "b"]
    await yield_turns(1)
    assert ran == ["a", "b", "a's", "b's"]


async def test_debug_mode_switched_on_inside_a_row(loop):
    ran = []
    loop.call_soon(loop.set_debug, True)
    loop.call_soon(ran.append, 1)
    loop.call_soon(loop.set_debug, False)
    loop.call_soon(ran.append, 2)
    await yield_turns(1)
    assert ran == [1, 2]


async def test_no_task_is_current(loop):
    seen = []
    loop.call_soon(lambda: seen.append(asyncio.current_task()))
    loop.call_soon(lambda: seen.append(asyncio.current_task()))
    await yield_turns(1)
    assert seen == [None, None]


async def test_many_more_than_a_pool_of_handles_holds(loop):
    count = 40_000
    ran = []
    for number in range(count):
        loop.call_soon(ran.append, number)
    await yield_turns(1)
    assert ran == list(range(count))
