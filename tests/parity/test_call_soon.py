"""``call_soon`` and ``Handle``: order, batches, arguments, cancelling, errors."""

import asyncio
import contextvars
import functools
import gc
import operator
import os
import sys
import weakref

import pytest
from turns import run_ready, run_turns

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


def test_callbacks_run_in_the_order_of_scheduling(loop):
    seen = []
    for number in range(1000):
        loop.call_soon(seen.append, number)
    run_ready(loop)
    assert seen == list(range(1000))


def test_callbacks_of_a_callback_wait_for_the_next_batch(loop):
    seen = []

    def first():
        seen.append("first")
        loop.call_soon(seen.append, "third")

    loop.call_soon(first)
    loop.call_soon(seen.append, "second")
    run_ready(loop)
    assert seen == ["first", "second"]
    run_ready(loop)
    assert seen == ["first", "second", "third"]


def test_order_holds_while_the_queue_grows(loop):
    """Each callback takes one place at the front and asks for two at the back: it grows from every place."""
    seen = []
    count = 5_000

    def visit(number):
        seen.append(number)
        for following in (2 * number + 1, 2 * number + 2):
            if following < count:
                loop.call_soon(visit, following)

    loop.call_soon(visit, 0)
    run_turns(loop, count.bit_length())
    assert seen == list(range(count))


@pytest.mark.parametrize("count", range(9))
def test_arguments_are_passed_on(loop, count):
    seen = []
    loop.call_soon(lambda *arguments: seen.append(arguments), *range(count))
    run_ready(loop)
    assert seen == [tuple(range(count))]


def test_keyword_arguments_are_refused(loop):
    with pytest.raises(TypeError):
        loop.call_soon(print, end="")
    with pytest.raises(TypeError):
        loop.call_soon()
    with pytest.raises(TypeError):
        loop.call_soon(print, context=None, end="")


class Callable:
    def __init__(self, seen):
        self.seen = seen

    def __call__(self, value):
        self.seen.append(value)

    def method(self, value):
        self.seen.append(value)

    @staticmethod
    def static(seen, value):
        seen.append(value)

    @classmethod
    def of_class(cls, seen, value):
        seen.append(value)


def test_every_kind_of_callable(loop):
    seen = []
    instance = Callable(seen)
    loop.call_soon(seen.append, 0)
    loop.call_soon(instance, 1)
    loop.call_soon(instance.method, 2)
    loop.call_soon(functools.partial(seen.append, 3))
    loop.call_soon(lambda value=4: seen.append(value))
    loop.call_soon(Callable.static, seen, 5)
    loop.call_soon(Callable.of_class, seen, 6)
    loop.call_soon(operator.methodcaller("append", 7), seen)
    loop.call_soon(list.append, seen, 8)
    loop.call_soon(Callable, seen)
    run_ready(loop)
    assert seen == list(range(9))


def test_the_handle_is_a_handle(loop, library):
    handle = loop.call_soon(print)
    assert isinstance(handle, library.Handle)
    assert isinstance(handle, asyncio.Handle)
    assert not handle.cancelled()
    handle.cancel()


def test_a_cancelled_callback_does_not_run(loop):
    seen = []
    handle = loop.call_soon(seen.append, 1)
    loop.call_soon(seen.append, 2)
    handle.cancel()
    assert handle.cancelled()
    handle.cancel()
    assert handle.cancelled()
    run_ready(loop)
    assert seen == [2]


def test_a_callback_may_cancel_another_of_its_batch(loop):
    seen = []
    loop.call_soon(lambda: handle.cancel())
    handle = loop.call_soon(seen.append, "cancelled")
    loop.call_soon(seen.append, "kept")
    run_ready(loop)
    assert seen == ["kept"]


def test_cancelling_after_the_run_changes_nothing(loop):
    seen = []
    handle = loop.call_soon(seen.append, 1)
    run_ready(loop)
    handle.cancel()
    assert handle.cancelled()
    assert seen == [1]


def test_cancelling_drops_callback_and_arguments(loop):
    class Argument:
        pass

    argument = Argument()
    reference = weakref.ref(argument)
    handle = loop.call_soon(print, argument)
    del argument
    assert reference() is not None
    handle.cancel()
    gc.collect()
    assert reference() is None
    assert handle._callback is None
    assert handle._args is None


def test_running_drops_callback_and_arguments(loop):
    class Argument:
        pass

    argument = Argument()
    reference = weakref.ref(argument)
    loop.call_soon(id, argument)
    del argument
    run_ready(loop)
    gc.collect()
    assert reference() is None


def test_handle_names_its_callback(loop):
    handle = loop.call_soon(print, 1, "two")
    assert handle._callback is print
    assert handle._args == (1, "two")
    assert handle._cancelled is False
    assert handle._loop is loop
    assert isinstance(handle._context, contextvars.Context)
    handle.cancel()


def test_handle_repr(loop):
    def callback():
        pass

    handle = loop.call_soon(callback)
    text = repr(handle)
    assert text.startswith("<Handle ")
    assert "test_handle_repr.<locals>.callback() at " in text
    assert f"{os.path.basename(__file__)}:" in text
    handle.cancel()
    if loop.get_debug():
        # The text is frozen so that a slow callback's log line still names it.
        assert repr(handle).startswith("<Handle cancelled")
        assert "callback()" in repr(handle)
        assert "created at" in repr(handle)
    else:
        assert repr(handle) == "<Handle cancelled>"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Handle.get_context is new in 3.12")
def test_handle_context(loop):
    context = contextvars.copy_context()
    handle = loop.call_soon(int, context=context)
    assert handle.get_context() is context
    other = loop.call_soon(int)
    assert isinstance(other.get_context(), contextvars.Context)
    run_ready(loop)


def test_handle_can_be_weakly_referenced(loop):
    handle = loop.call_soon(int)
    reference = weakref.ref(handle)
    assert reference() is handle
    run_ready(loop)
    del handle
    gc.collect()
    assert reference() is None


def test_handle_made_by_hand_runs(loop, library):
    seen = []
    handle = library.Handle(seen.append, (1,), loop, None)
    handle._run()
    assert seen == [1]


def test_an_exception_goes_to_the_handler_and_the_batch_goes_on(loop, reports):
    seen = []
    error = ZeroDivisionError("division by nothing")

    def fail():
        raise error

    handle = loop.call_soon(fail)
    loop.call_soon(seen.append, 1)
    run_ready(loop)
    assert seen == [1]
    context = reports.take_one()
    assert context["exception"] is error
    assert context["handle"] is handle
    assert context["message"].startswith("Exception in callback ")
    assert "fail()" in context["message"]
    expected = {"message", "exception", "handle"}
    if loop.get_debug():
        expected.add("source_traceback")
    assert set(context) == expected


def test_a_base_exception_other_than_the_two_goes_to_the_handler(loop, reports):
    class Odd(BaseException):
        pass

    def fail():
        raise Odd

    loop.call_soon(fail)
    run_ready(loop)
    assert type(reports.take_one()["exception"]) is Odd


def test_cancelled_error_in_a_callback_is_reported(loop, reports):
    def fail():
        raise asyncio.CancelledError

    loop.call_soon(fail)
    run_ready(loop)
    assert type(reports.take_one()["exception"]) is asyncio.CancelledError


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupts_leave_run_forever_and_lose_no_callback(loop, kind):
    seen = []

    def fail():
        raise kind("now")

    loop.call_soon(seen.append, 1)
    loop.call_soon(fail)
    loop.call_soon(seen.append, 2)
    with pytest.raises(kind) as caught:
        loop.run_forever()
    assert caught.value.args == ("now",)
    assert seen == [1]
    assert not loop.is_running()
    run_ready(loop)
    assert seen == [1, 2]


def test_calling_what_cannot_be_called_is_reported(loop, reports):
    if loop.get_debug():
        with pytest.raises(TypeError, match=r"a callable object was expected by call_soon\(\), got 1"):
            loop.call_soon(1)
        return
    loop.call_soon(1)
    run_ready(loop)
    context = reports.take_one()
    assert type(context["exception"]) is TypeError


def test_a_coroutine_function_is_refused_in_debug_mode(loop):
    async def nothing():
        pass

    if loop.get_debug():
        with pytest.raises(TypeError, match=r"coroutines cannot be used with call_soon\(\)"):
            loop.call_soon(nothing)
        coroutine = nothing()
        with pytest.raises(TypeError, match=r"coroutines cannot be used with call_soon\(\)"):
            loop.call_soon(coroutine)
        coroutine.close()
    else:
        handle = loop.call_soon(nothing)
        assert handle is not None
        handle.cancel()


def test_a_closed_loop_refuses(loop):
    loop.close()
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop.call_soon(int)


def test_a_closed_loop_forgets_what_was_ready(loop):
    class Argument:
        pass

    argument = Argument()
    reference = weakref.ref(argument)
    loop.call_soon(id, argument)
    del argument
    loop.close()
    gc.collect()
    assert reference() is None


def test_stop_runs_the_rest_of_the_batch_and_keeps_the_next(loop):
    seen = []
    loop.call_soon(seen.append, 1)
    loop.call_soon(loop.stop)
    loop.call_soon(lambda: loop.call_soon(seen.append, 3))
    loop.call_soon(seen.append, 2)
    loop.run_forever()
    assert seen == [1, 2]
    run_ready(loop)
    assert seen == [1, 2, 3]


def test_stop_before_run_forever_runs_one_batch(loop):
    seen = []
    loop.call_soon(lambda: (seen.append(1), loop.call_soon(seen.append, 2)))
    loop.stop()
    loop.run_forever()
    assert seen == [1]
    run_ready(loop)
    assert seen == [1, 2]


def test_a_chain_of_callbacks_starves_neither_timers_nor_descriptors(loop):
    seen = []
    reader, writer = os.pipe()
    try:

        def chain():
            if len(seen) < 2:
                loop.call_soon(chain)
            else:
                loop.stop()

        def readable():
            seen.append("readable")
            loop.remove_reader(reader)

        loop.add_reader(reader, readable)
        os.write(writer, b"x")
        loop.call_later(0.01, seen.append, "timer")
        loop.call_soon(chain)
        loop.run_forever()
        assert sorted(seen) == ["readable", "timer"]
    finally:
        os.close(reader)
        os.close(writer)


def test_a_wide_batch(loop):
    count = 5_000 if loop.get_debug() else 50_000
    seen = []
    append = seen.append
    for number in range(count):
        loop.call_soon(append, number)
    run_ready(loop)
    assert len(seen) == count
    assert seen[-1] == count - 1


def test_a_context_given_is_the_one_used(loop):
    variable = contextvars.ContextVar("variable", default="outside")
    context = contextvars.copy_context()
    loop.call_soon(variable.set, "inside", context=context)
    run_ready(loop)
    assert context[variable] == "inside"
    assert variable.get() == "outside"


def test_without_context_a_copy_of_the_callers_is_taken_at_once(loop):
    variable = contextvars.ContextVar("variable", default=0)
    seen = []
    loop.call_soon(lambda: seen.append(variable.get()))
    token = variable.set(1)
    loop.call_soon(lambda: seen.append(variable.get()))
    loop.call_soon(lambda: (variable.set(2), seen.append(variable.get())))
    run_ready(loop)
    assert seen == [0, 1, 2]
    assert variable.get() == 1
    variable.reset(token)


def test_context_none_means_a_copy(loop):
    variable = contextvars.ContextVar("variable", default=0)
    loop.call_soon(variable.set, 5, context=None)
    run_ready(loop)
    assert variable.get() == 0


def test_a_callback_may_schedule_itself_many_times(loop):
    left = [2_000 if loop.get_debug() else 20_000]

    def again():
        left[0] -= 1
        if left[0]:
            loop.call_soon(again)
        else:
            loop.stop()

    loop.call_soon(again)
    loop.run_forever()
    assert left == [0]


def test_destroying_an_argument_may_schedule(loop):
    """The loop must be consistent while it drops what it has run."""
    seen = []

    class Argument:
        def __del__(self):
            loop.call_soon(seen.append, "after")

    loop.call_soon(id, Argument())
    run_turns(loop, 3)
    assert seen == ["after"]


def test_cancelling_may_run_code_that_schedules(loop):
    seen = []

    class Argument:
        def __del__(self):
            loop.call_soon(seen.append, "after")

    handle = loop.call_soon(id, Argument())
    handle.cancel()
    run_turns(loop, 2)
    assert seen == ["after"]
