"""``Future``: states, results, exceptions, callbacks, awaiting, texts."""

import asyncio
import contextvars
import gc
import sys
import traceback
import weakref

import pytest
from turns import run_ready

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


@pytest.fixture
def future(loop, library):
    return library.Future(loop=loop)


def test_the_loop_makes_futures(loop, library):
    made = loop.create_future()
    assert type(made) is library.Future
    assert isinstance(made, asyncio.Future)
    assert asyncio.isfuture(made)
    assert made.get_loop() is loop
    assert made._loop is loop


def test_a_new_future_is_pending(future):
    assert future._state == "PENDING"
    assert not future.done()
    assert not future.cancelled()
    assert future._result is None
    assert future._exception is None
    assert future._callbacks is None
    assert future._asyncio_future_blocking is False
    with pytest.raises(asyncio.InvalidStateError, match="^Result is not set.$"):
        future.result()
    with pytest.raises(asyncio.InvalidStateError, match="^Exception is not set.$"):
        future.exception()


def test_a_result(future):
    value = object()
    assert future.set_result(value) is None
    assert future._state == "FINISHED"
    assert future.done()
    assert not future.cancelled()
    assert future.result() is value
    assert future.result() is value
    assert future.exception() is None
    assert future._result is value


@pytest.mark.parametrize("value", [None, False, 0, StopIteration(3), ValueError()])
def test_odd_results(future, value):
    future.set_result(value)
    assert future.result() is value


def test_an_exception(future):
    error = ValueError("wrong")
    assert future.set_exception(error) is None
    assert future.done()
    assert not future.cancelled()
    assert future.exception() is error
    with pytest.raises(ValueError, match="^wrong$") as caught:
        future.result()
    assert caught.value is error


def test_an_exception_class_is_instantiated(future):
    future.set_exception(KeyError)
    assert type(future.exception()) is KeyError


def test_what_is_no_exception_is_refused(future):
    with pytest.raises(TypeError, match="^invalid exception object$"):
        future.set_exception("wrong")
    with pytest.raises(TypeError):
        future.set_exception(int)
    assert not future.done()


@pytest.mark.parametrize("given", [StopIteration, StopIteration(5)], ids=["class", "instance"])
def test_stop_iteration_cannot_be_set(future, given):
    text = "StopIteration interacts badly with generators and cannot be raised into a Future"
    if sys.version_info < (3, 13):
        with pytest.raises(TypeError, match=f"^{text}$"):
            future.set_exception(given)
        assert not future.done()
        return
    future.set_exception(given)
    error = future.exception()
    assert type(error) is RuntimeError
    assert str(error) == text
    assert type(error.__cause__) is StopIteration
    if isinstance(given, StopIteration):
        assert error.__cause__ is given


def test_the_traceback_of_an_exception_does_not_grow(future):
    try:
        raise ValueError
    except ValueError as raised:
        future.set_exception(raised)
    lengths = []
    for _ in range(3):
        try:
            future.result()
        except ValueError as caught:
            lengths.append(len(traceback.extract_tb(caught.__traceback__)))
    assert lengths[0] >= lengths[1] == lengths[2]


def test_finishing_twice_is_refused(loop, library):
    for finish in (
        lambda future: future.set_result(1),
        lambda future: future.set_exception(ValueError()),
        lambda future: future.cancel(),
    ):
        future = library.Future(loop=loop)
        finish(future)
        with pytest.raises(asyncio.InvalidStateError):
            future.set_result(2)
        with pytest.raises(asyncio.InvalidStateError):
            future.set_exception(ValueError())
        assert future.cancel() is False
        if not future.cancelled():
            future.exception()


def test_invalid_state_text(future):
    future.set_result(1)
    with pytest.raises(asyncio.InvalidStateError) as caught:
        future.set_result(2)
    assert str(caught.value) == "invalid state"


def test_cancelling(future):
    assert future.cancel() is True
    assert future.cancelled()
    assert future.done()
    assert future._state == "CANCELLED"
    assert future.cancel() is False
    with pytest.raises(asyncio.CancelledError) as caught:
        future.result()
    assert caught.value.args == ()
    with pytest.raises(asyncio.CancelledError):
        future.exception()


@pytest.mark.parametrize("message", ["why", 5, (1, 2), None])
def test_a_cancel_message(future, message):
    future.cancel(msg=message)
    assert future._cancel_message == message
    with pytest.raises(asyncio.CancelledError) as caught:
        future.result()
    assert caught.value.args == (() if message is None else (message,))


def test_cancel_message_position(future):
    future.cancel("why")
    with pytest.raises(asyncio.CancelledError, match="^why$"):
        future.exception()


def test_make_cancelled_error(future):
    future.cancel("why")
    error = future._make_cancelled_error()
    assert type(error) is asyncio.CancelledError
    assert error.args == ("why",)


def test_callbacks_run_later_in_order_with_the_future(loop, future):
    seen = []
    future.add_done_callback(lambda done: seen.append((1, done)))
    future.add_done_callback(lambda done: seen.append((2, done)))
    future.add_done_callback(lambda done: seen.append((3, done)))
    future.set_result(None)
    assert seen == []
    run_ready(loop)
    assert seen == [(1, future), (2, future), (3, future)]


def test_a_callback_added_when_done_runs_later(loop, future):
    seen = []
    future.set_result(None)
    future.add_done_callback(seen.append)
    assert seen == []
    run_ready(loop)
    assert seen == [future]


def test_callbacks_run_on_cancel_and_on_exception(loop, library):
    seen = []
    cancelled, failed = library.Future(loop=loop), library.Future(loop=loop)
    cancelled.add_done_callback(seen.append)
    failed.add_done_callback(seen.append)
    failed.set_exception(ValueError())
    cancelled.cancel()
    run_ready(loop)
    assert seen == [failed, cancelled]
    failed.exception()


def test_the_same_callback_twice_runs_twice(loop, future):
    seen = []
    future.add_done_callback(seen.append)
    future.add_done_callback(seen.append)
    future.set_result(1)
    run_ready(loop)
    assert seen == [future, future]


def test_removing_callbacks(loop, future):
    seen = []
    future.add_done_callback(seen.append)
    future.add_done_callback(print)
    future.add_done_callback(seen.append)
    assert future.remove_done_callback(seen.append) == 2
    assert future.remove_done_callback(seen.append) == 0
    assert future.remove_done_callback(print) == 1
    assert future.remove_done_callback(int) == 0
    future.set_result(1)
    assert future.remove_done_callback(print) == 0
    run_ready(loop)
    assert seen == []


def test_removing_compares_by_equality(loop, future):
    class Equal:
        def __eq__(self, other):
            return isinstance(other, Equal)

        __hash__ = None

        def __call__(self, done):
            raise AssertionError("it was removed")

    future.add_done_callback(Equal())
    future.add_done_callback(Equal())
    assert future.remove_done_callback(Equal()) == 2


def test_removing_while_comparison_removes(future):
    """A comparison may run any code, also code that empties the list being searched."""

    nested = []

    class Removing:
        def __eq__(self, other):
            if not nested:
                nested.append(True)
                future.remove_done_callback(int)
                nested.clear()
            return False

        __hash__ = None

        def __call__(self, done):
            pass

    for _ in range(3):
        future.add_done_callback(int)
        future.add_done_callback(Removing())
    assert future.remove_done_callback(print) == 0
    assert future.remove_done_callback(int) == 0


def test_callbacks_have_contexts(loop, future):
    variable = contextvars.ContextVar("variable", default="outside")
    seen = []
    given = contextvars.copy_context()
    given.run(variable.set, "given")
    future.add_done_callback(lambda done: seen.append(variable.get()), context=given)
    token = variable.set("copied")
    future.add_done_callback(lambda done: seen.append(variable.get()))
    variable.set("finishing")
    future.set_result(None)
    variable.reset(token)
    run_ready(loop)
    assert seen == ["given", "copied"]


def test_the_callbacks_attribute(future):
    context = contextvars.copy_context()
    future.add_done_callback(int, context=context)
    assert future._callbacks == [(int, context)]
    future.add_done_callback(print)
    assert [callback for callback, _ in future._callbacks] == [int, print]
    future.remove_done_callback(int)
    assert [callback for callback, _ in future._callbacks] == [print]
    future.cancel()
    assert future._callbacks is None


def test_an_exception_in_a_callback_is_reported(loop, future, reports):
    error = ValueError("in a callback")
    seen = []

    def fail(done):
        raise error

    future.add_done_callback(fail)
    future.add_done_callback(seen.append)
    future.set_result(None)
    run_ready(loop)
    assert seen == [future]
    context = reports.take_one()
    assert context["exception"] is error
    assert context["message"].startswith("Exception in callback ")


def test_a_callback_may_add_and_remove(loop, future):
    seen = []

    def first(done):
        done.add_done_callback(seen.append)
        done.remove_done_callback(print)

    future.add_done_callback(first)
    future.set_result(None)
    run_ready(loop)
    assert seen == []
    run_ready(loop)
    assert seen == [future]


def test_repr(loop, library):
    def text(future):
        return repr(future)

    pending = library.Future(loop=loop)
    finished, failed = library.Future(loop=loop), library.Future(loop=loop)
    finished.set_result(1)
    failed.set_exception(ValueError("wrong"))
    cancelled = library.Future(loop=loop)
    cancelled.cancel()
    expected = {
        pending: "<Future pending",
        finished: "<Future finished result=1",
        failed: "<Future finished exception=ValueError('wrong')",
        cancelled: "<Future cancelled",
    }
    for future, start in expected.items():
        if loop.get_debug():
            assert text(future).startswith(start + " created at ")
            assert "test_future.py" in text(future)
        else:
            assert text(future) == start + ">"
    failed.exception()


def test_repr_names_callbacks(loop, library):
    future = library.Future(loop=loop)
    future.add_done_callback(print)
    assert "cb=[print()]" in repr(future)
    future.add_done_callback(print)
    assert "cb=[print(), print()]" in repr(future)
    future.add_done_callback(print)
    assert "cb=[print(), <1 more>, print()]" in repr(future)
    future.cancel()


def test_repr_of_recursion(loop, future):
    future.set_result(future)
    assert repr(future).count("Future finished result=") >= 1


def test_source_traceback(loop, future):
    if loop.get_debug():
        assert isinstance(future._source_traceback, traceback.StackSummary)
        assert future._source_traceback[-1].filename == __file__
    else:
        assert future._source_traceback is None


def test_class_subscript(future, library):
    assert library.Future[int] is not None
    assert "Future[int]" in repr(library.Future[int])


def test_attributes_and_weak_references(future):
    future.anything = 5
    assert future.anything == 5
    reference = weakref.ref(future)
    assert reference() is future
    assert {future: 1}[future] == 1


def test_a_future_with_its_own_callback_is_collected(loop, library):
    future = library.Future(loop=loop)
    future.add_done_callback(lambda done, keep=[future]: None)
    future.itself = future
    reference = weakref.ref(future)
    del future
    gc.collect()
    assert reference() is None


def test_the_loop_keyword(library, loop):
    with pytest.raises(TypeError):
        library.Future(loop)
    with pytest.raises(TypeError):
        library.Future(wrong=1)
    if sys.version_info >= (3, 12):
        asyncio.set_event_loop(None)
        with pytest.raises(RuntimeError):
            library.Future()

    async def inside():
        return library.Future().get_loop() is asyncio.get_running_loop()

    assert loop.run_until_complete(inside())


def test_private_state_is_read_only(future):
    for name in ("_state", "_result", "_exception", "_callbacks", "_loop"):
        with pytest.raises(AttributeError):
            setattr(future, name, None)


def test_the_log_traceback_flag_can_only_be_cleared(loop, future):
    assert future._log_traceback is False
    future.set_exception(ValueError())
    assert future._log_traceback is True
    with pytest.raises(ValueError, match="^_log_traceback can only be set to False$"):
        future._log_traceback = True
    future._log_traceback = False
    assert future._log_traceback is False
