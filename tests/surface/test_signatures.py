"""Each method has the parameters that asyncio's has in the Python that runs."""

import asyncio
import inspect
import types

import library as libraries
import pytest

ASYNCIO = libraries.load("asyncio")


@pytest.fixture
def tepal():
    return libraries.load("tepal")


LOOP_METHODS = sorted(
    name
    for name in dir(asyncio.AbstractEventLoop)
    if not name.startswith("_") and callable(getattr(asyncio.AbstractEventLoop, name))
)
PRIVATE_LOOP_METHODS = [
    "_add_callback_signalsafe", "_asyncgen_finalizer_hook", "_asyncgen_firstiter_hook",
    "_check_callback", "_check_closed", "_check_running", "_check_thread", "_process_events",
    "_run_once", "_set_coroutine_origin_tracking", "_timer_handle_cancelled", "_write_to_self",
]  # fmt: skip
FUTURE_METHODS = [
    "__await__", "__iter__", "_make_cancelled_error", "add_done_callback", "cancel", "cancelled",
    "done", "exception", "get_loop", "remove_done_callback", "result", "set_exception", "set_result",
]  # fmt: skip
TASK_METHODS = [
    *FUTURE_METHODS, "cancelling", "get_context", "get_coro", "get_name", "get_stack",
    "print_stack", "set_name", "uncancel",
]  # fmt: skip
HANDLE_METHODS = ["cancel", "cancelled", "get_context", "_run", "_repr_info"]
TIMER_METHODS = [*HANDLE_METHODS, "when"]


def shape(function):
    """Name, kind and default of each parameter: the order of keyword-only ones does not count."""
    parameters = inspect.signature(function).parameters.values()
    keywords = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    others = [(p.name, p.kind.name, p.default) for p in parameters if p.kind is not p.KEYWORD_ONLY]
    return others, keywords


def names_only(function):
    return [name for name, _, _ in shape(function)[0]], shape(function)[1]


def compare(ours, theirs, name):
    """Compare one method of two classes; positional-only is as good as it can be called alike."""
    assert hasattr(ours, name), name
    mine, other = getattr(ours, name), getattr(theirs, name)
    try:
        expected = names_only(other)
    except (TypeError, ValueError):
        pytest.skip("asyncio's own method has no signature")
    assert names_only(mine) == expected


@pytest.mark.parametrize("name", LOOP_METHODS)
def test_methods_of_the_loop(tepal, name):
    ours, theirs = getattr(tepal.EventLoop, name), getattr(ASYNCIO.EventLoop, name)
    assert names_only(ours) == names_only(theirs)
    if isinstance(ours, types.MethodDescriptorType) and name.startswith("sock_"):
        # Native: what it returns is a coroutine (tests/parity/test_sock.py), but inspect knows only Python functions.
        return
    assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(theirs)


@pytest.mark.parametrize("name", LOOP_METHODS)
def test_defaults_of_the_loop(tepal, name):
    ours, theirs = getattr(tepal.EventLoop, name), getattr(ASYNCIO.EventLoop, name)
    mine = inspect.signature(ours).parameters
    for parameter in inspect.signature(theirs).parameters.values():
        if parameter.default is not parameter.empty:
            assert mine[parameter.name].default == parameter.default, parameter.name


@pytest.mark.parametrize("name", PRIVATE_LOOP_METHODS)
def test_private_methods_of_the_loop(tepal, name):
    compare(tepal.EventLoop, ASYNCIO.EventLoop, name)


@pytest.mark.parametrize("name", FUTURE_METHODS)
def test_methods_of_a_future(tepal, name):
    compare(tepal.Future, ASYNCIO.Future, name)


@pytest.mark.parametrize("name", TASK_METHODS)
def test_methods_of_a_task(tepal, name):
    if not hasattr(ASYNCIO.Task, name):
        pytest.skip("this version of asyncio has no such method")
    compare(tepal.Task, ASYNCIO.Task, name)


@pytest.mark.parametrize("name", HANDLE_METHODS)
def test_methods_of_a_handle(tepal, name):
    if not hasattr(ASYNCIO.Handle, name):
        pytest.skip("this version of asyncio has no such method")
    compare(tepal.Handle, ASYNCIO.Handle, name)


@pytest.mark.parametrize("name", TIMER_METHODS)
def test_methods_of_a_timer_handle(tepal, name):
    if not hasattr(ASYNCIO.TimerHandle, name):
        pytest.skip("this version of asyncio has no such method")
    compare(tepal.TimerHandle, ASYNCIO.TimerHandle, name)


@pytest.mark.parametrize("kind", ["Task", "Future", "Handle", "TimerHandle"])
def test_nothing_public_is_missing(tepal, kind):
    ours = {name for name in dir(getattr(tepal, kind)) if not name.startswith("_")}
    theirs = {name for name in dir(getattr(ASYNCIO, kind)) if not name.startswith("_")}
    assert theirs <= ours


def test_nothing_public_is_missing_on_the_loop(tepal):
    ours = {name for name in dir(tepal.EventLoop) if not name.startswith("_")}
    theirs = {name for name in dir(ASYNCIO.EventLoop) if not name.startswith("_")}
    assert theirs <= ours


@pytest.mark.parametrize(
    "call",
    [
        lambda make, loop, coro: make.Task(coro, loop=loop, name="n", context=None),
        lambda make, loop, coro: make.Task(coro=coro, loop=loop),
    ],
    ids=["keywords", "coroutine by keyword"],
)
@pytest.mark.parametrize("name", libraries.NAMES)
def test_calls_of_the_task_constructor(name, call):
    make = libraries.load(name)
    loop = make.new_event_loop()
    task = call(make, loop, returns_one())
    assert loop.run_until_complete(task) == 1
    loop.close()


@pytest.mark.parametrize("name", libraries.NAMES)
def test_wrong_calls(name):
    make = libraries.load(name)
    loop = make.new_event_loop()
    future = loop.create_future()
    timer = loop.call_later(10, int)
    coroutine = returns_one()
    wrong = [
        lambda: make.Task(),
        lambda: make.Task(coroutine, loop),
        lambda: make.Task(coroutine, loop=loop, wrong=1),
        lambda: make.Future(loop),
        lambda: make.Future(wrong=1),
        lambda: future.set_result(),
        lambda: future.set_result(1, 2),
        lambda: future.result(1),
        lambda: future.add_done_callback(),
        lambda: future.add_done_callback(int, None),
        lambda: future.add_done_callback(int, wrong=1),
        lambda: future.cancel("a", "b"),
        lambda: future.cancel(wrong=1),
        lambda: loop.call_soon(),
        lambda: loop.call_soon(int, wrong=1),
        lambda: loop.call_later(1),
        lambda: loop.call_at(),
        lambda: loop.call_soon_threadsafe(),
        lambda: loop.create_task(),
        lambda: loop.create_future(1),
        lambda: loop.time(1),
        lambda: loop.stop(1),
        lambda: loop.is_running(1),
        lambda: loop.set_debug(),
        lambda: loop.add_reader(0),
        lambda: loop.remove_reader(),
        lambda: timer.cancel(1),
        lambda: timer.when(1),
        lambda: make.Handle(),
        lambda: make.TimerHandle(1.0, int),
    ]
    for number, call in enumerate(wrong):
        with pytest.raises(TypeError):
            call()
            raise AssertionError(f"call {number} was accepted")
    coroutine.close()
    timer.cancel()
    loop.close()


@pytest.mark.parametrize("name", libraries.NAMES)
def test_calls_by_keyword(name):
    """asyncio's parameter names are part of its interface."""
    make = libraries.load(name)
    loop = make.new_event_loop()
    handles = [
        loop.call_soon(callback=int),
        loop.call_later(delay=10, callback=int),
        loop.call_at(when=loop.time() + 10, callback=int),
        loop.call_soon_threadsafe(callback=int),
    ]
    for handle in handles:
        handle.cancel()
    loop.set_debug(enabled=False)
    loop.set_exception_handler(handler=None)
    loop.set_task_factory(factory=None)
    assert loop.run_until_complete(future=loop.create_task(coro=returns_one(), name="n")) == 1
    future = make.Future(loop=loop)
    assert future.cancel(msg="why")
    assert make.Handle(callback=int, args=(), loop=loop, context=None).cancelled() is False
    assert make.TimerHandle(when=1.0, callback=int, args=(), loop=loop, context=None).when() == 1.0
    loop.close()


async def returns_one():
    return 1
