"""Exception handlers: setting, default texts, failing handlers, interrupts."""

import asyncio
import inspect
import socket
import sys

import pytest
from turns import run_turns

# Later versions show the arguments of a callback in debug mode only.
HIDES_ARGUMENTS = "debug" in inspect.signature(asyncio.format_helpers._format_callback_source).parameters


@pytest.fixture
def plain(loop):
    """The loop with the default handler, which writes to the asyncio logger."""
    loop.set_exception_handler(None)
    return loop


def fail(error):
    raise error


def test_there_is_no_handler_at_first(library):
    loop = library.new_event_loop()
    assert loop.get_exception_handler() is None
    assert loop._exception_handler is None
    loop.close()


def test_setting(loop):
    def handler(loop, context):
        pass

    loop.set_exception_handler(handler)
    assert loop.get_exception_handler() is handler
    assert loop._exception_handler is handler
    loop.set_exception_handler(None)
    assert loop.get_exception_handler() is None


@pytest.mark.parametrize("wrong", [1, "text", object()], ids=["number", "text", "object"])
def test_only_callables_are_handlers(loop, wrong):
    with pytest.raises(TypeError, match="^A callable object or None is expected, got "):
        loop.set_exception_handler(wrong)


def test_the_handler_gets_the_loop_and_the_context(loop):
    seen = []
    error = ValueError("wrong")
    loop.set_exception_handler(lambda *arguments: seen.append(arguments))
    loop.call_soon(fail, error)
    run_turns(loop, 1)
    assert len(seen) == 1
    given_loop, context = seen[0]
    assert given_loop is loop
    assert context["exception"] is error


def test_calling_it_by_hand(loop):
    seen = []
    loop.set_exception_handler(lambda loop, context: seen.append(context))
    context = {"message": "by hand", "extra": 1}
    loop.call_exception_handler(context)
    assert seen == [context]
    assert seen[0] is context


def test_the_default_writes_to_the_logger(plain, reports):
    plain.call_soon(fail, ValueError("wrong"))
    run_turns(plain, 1)
    (record,) = reports.take_records()
    first, second = record.split("\n")[:2]
    shown = "fail()" if HIDES_ARGUMENTS else "fail(ValueError('wrong'))"
    assert first.startswith(f"Exception in callback {shown} at ")
    assert second.startswith(f"handle: <Handle {shown} at ")


def test_the_default_hands_the_exception_to_the_logger(plain, reports):
    error = ValueError("wrong")
    plain.call_exception_handler({"message": "text", "exception": error})
    assert reports.take_exceptions() == [error]


@pytest.mark.parametrize(
    ("context", "text"),
    [
        ({"message": "only a message"}, "only a message"),
        ({}, "Unhandled exception in event loop"),
        ({"message": ""}, "Unhandled exception in event loop"),
        ({"message": "m", "b": 2, "a": 1}, "m\na: 1\nb: 2"),
        ({"message": "m", "source_traceback": []}, "m"),
    ],
)
def test_default_texts(plain, reports, context, text):
    plain.default_exception_handler(context)
    (record,) = reports.take_records()
    assert record.startswith(text)


def test_source_tracebacks_are_written_out(plain, reports):
    import traceback

    stack = traceback.extract_stack()
    plain.default_exception_handler({"message": "m", "source_traceback": stack})
    plain.default_exception_handler({"message": "m", "handle_traceback": stack})
    source, handle = reports.take_records()
    assert "Object created at (most recent call last):" in source
    assert "Handle created at (most recent call last):" in handle
    assert "test_source_tracebacks_are_written_out" in source


def test_a_failing_handler_is_reported_by_the_default(loop, reports):
    def handler(loop, context):
        raise ZeroDivisionError("in the handler")

    loop.set_exception_handler(handler)
    loop.call_exception_handler({"message": "first"})
    (record,) = reports.take_records()
    assert record.startswith("Unhandled error in exception handler")
    assert "context: {'message': 'first'}" in record


def test_a_failing_default_handler_is_logged(library, reports):
    class Loop(library.EventLoop):
        def default_exception_handler(self, context):
            raise ZeroDivisionError("in the default handler")

    loop = Loop()
    loop.call_exception_handler({"message": "first"})
    (record,) = reports.take_records()
    assert record == "Exception in default exception handler"
    loop.close()


def test_a_failing_handler_over_a_failing_default(library, reports):
    class Loop(library.EventLoop):
        def default_exception_handler(self, context):
            raise ZeroDivisionError("in the default handler")

    def handler(loop, context):
        raise ValueError("in the handler")

    loop = Loop()
    loop.set_exception_handler(handler)
    loop.call_exception_handler({"message": "first"})
    (record,) = reports.take_records()
    assert record == (
        "Exception in default exception handler while handling an unexpected error in custom exception handler"
    )
    loop.close()


def test_an_overridden_default_handler_is_used(library):
    seen = []

    class Loop(library.EventLoop):
        def default_exception_handler(self, context):
            seen.append(context["message"])

    loop = Loop()
    loop.call_soon(fail, ValueError())
    run_turns(loop, 1)
    loop.close()
    assert len(seen) == 1
    assert seen[0].startswith("Exception in callback ")


def test_an_overridden_call_exception_handler_is_used(library):
    seen = []

    class Loop(library.EventLoop):
        def call_exception_handler(self, context):
            seen.append(context["message"])

    loop = Loop()
    loop.call_soon(fail, ValueError())
    run_turns(loop, 1)
    loop.close()
    assert len(seen) == 1


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupts_in_a_handler_leave_the_loop(loop, kind):
    def handler(loop, context):
        raise kind("in the handler")

    loop.set_exception_handler(handler)
    loop.call_soon(fail, ValueError())
    seen = []
    loop.call_soon(seen.append, 1)
    with pytest.raises(kind):
        loop.run_forever()
    loop.set_exception_handler(None)
    run_turns(loop, 1)
    assert seen == [1]


def test_a_handler_may_stop_the_loop(loop):
    loop.set_exception_handler(lambda loop, context: loop.stop())
    loop.call_soon(fail, ValueError())
    loop.run_forever()
    assert not loop.is_running()


def test_a_handler_may_schedule(loop):
    seen = []
    loop.set_exception_handler(lambda loop, context: loop.call_soon(seen.append, 1))
    loop.call_soon(fail, ValueError())
    run_turns(loop, 2)
    assert seen == [1]


def test_removing_the_handler_inside_itself(loop, reports):
    def handler(loop, context):
        loop.set_exception_handler(None)

    loop.set_exception_handler(handler)
    loop.call_soon(fail, ValueError("first"))
    loop.call_soon(fail, ValueError("second"))
    run_turns(loop, 1)
    assert [str(error) for error in reports.take_exceptions()] == ["second"]


async def test_the_exception_keeps_its_traceback(loop, reports):
    loop.call_soon(fail, ValueError("traced"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    error = reports.take_one()["exception"]
    names = []
    trace = error.__traceback__
    while trace:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names[-1] == "fail"


@pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])
async def test_the_message_names_the_callback(loop, reports, debug):
    import functools

    class Owner:
        def method(self, error):
            raise error

    arguments = "()" if HIDES_ARGUMENTS and not debug else "(ValueError())"
    loop.call_soon(fail, ValueError())
    loop.call_soon(Owner().method, ValueError())
    loop.call_soon(functools.partial(fail, ValueError()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    function, method, partial = (context["message"] for context in reports.take())
    code = fail.__code__
    place = f"{code.co_filename}:{code.co_firstlineno}"
    assert function == f"Exception in callback fail{arguments} at {place}"
    assert method.endswith(f"<locals>.Owner.method{arguments}")
    assert f"fail{arguments}() at {place}" in partial


@pytest.mark.skipif(sys.version_info < (3, 12), reason="contexts of handlers are new in 3.12")
def test_a_handler_of_a_handles_report_runs_in_the_handles_context(loop):
    import contextvars

    variable = contextvars.ContextVar("variable", default=0)
    context = contextvars.copy_context()
    context.run(variable.set, 1)
    seen = []
    loop.set_exception_handler(lambda loop, given: seen.append(variable.get()))
    handle = loop.call_soon(int, context=context)
    loop.call_exception_handler({"message": "m", "handle": handle})
    assert seen == [1]
    run_turns(loop, 1)


def test_sys_exc_info_in_the_exception_handler(loop):
    """asyncio calls handlers in the body of ``except``, so that they can call ``logging.exception``."""
    seen = []
    loop.set_exception_handler(lambda loop, context: seen.append((sys.exc_info()[1], context["exception"])))

    def fail(*arguments):
        raise ValueError("why")

    future = loop.create_future()
    future.add_done_callback(fail)
    future.set_result(None)
    loop.call_soon(fail)
    loop.call_later(0, fail)
    loop.call_soon_threadsafe(fail)
    loop.run_until_complete(asyncio.sleep(0.002))
    assert len(seen) == 4
    assert all(type(handled) is ValueError and handled is told for handled, told in seen)
    assert sys.exc_info() == (None, None, None)


def test_sys_exc_info_when_a_protocol_fails(loop):
    seen = []
    loop.set_exception_handler(lambda loop, context: seen.append((sys.exc_info()[1], context["exception"])))

    class Failing(asyncio.Protocol):
        def data_received(self, data):
            raise ValueError("why")

    async def main():
        ours, theirs = socket.socketpair()
        with theirs:
            transport, _ = await loop.create_connection(Failing, sock=ours)
            theirs.send(b"x")
            while not transport.is_closing():
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)

    loop.run_until_complete(main())
    [(handled, told)] = seen
    assert type(handled) is ValueError
    assert handled is told


def test_what_a_handler_raises_has_the_failure_as_its_context(loop):
    def leave(loop, context):
        raise SystemExit(3)

    loop.set_exception_handler(leave)

    def fail():
        raise ValueError("why")

    loop.call_soon(fail)
    with pytest.raises(SystemExit) as caught:
        run_turns(loop, 1)
    assert type(caught.value.__context__) is ValueError
