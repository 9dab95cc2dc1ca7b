"""``tepal.vintage.asyncio`` and ``.trollius`` in a program that nobody translates, and wrong use of them."""

import asyncio as modern
import gc
import inspect
import selectors
import threading

import pytest

from tepal import vintage
from tepal.vintage import asyncio, trollius
from tepal.vintage.trollius import From, Return


@pytest.fixture(params=["tepal.vintage", "asyncio"])
def vintage_loop(request):
    """A loop of ours, and asyncio's own, which drives native coroutines only."""
    loop = asyncio.new_event_loop() if request.param == "tepal.vintage" else modern.SelectorEventLoop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


def complete(loop, coroutine):
    """``run_until_complete`` of what asyncio's own loops take."""
    return loop.run_until_complete(asyncio.ensure_future(coroutine, loop=loop))


def test_undecorated_generators_wait_for_everything_of_asyncios(vintage_loop):
    def helper(queue, lock, event):
        yield from asyncio.sleep(0)
        yield from queue.put(1)
        with (yield from lock):
            got = yield from queue.get()
        yield from event.wait()
        done, _ = yield from asyncio.wait([asyncio.sleep(0, 2)])
        waited = yield from asyncio.wait_for(asyncio.sleep(0, 3), 5)
        gathered = yield from asyncio.gather(asyncio.sleep(0, 4), inner())
        return [got, done.pop().result(), waited, gathered, (yield from asyncio.shield(inner()))]

    def inner():
        yield
        return 5

    async def main():
        event = asyncio.Event()
        event.set()
        return await asyncio.ensure_future(helper(asyncio.Queue(), asyncio.Lock(), event))

    assert complete(vintage_loop, main()) == [1, 2, 3, [4, 5], 5]


def test_trollius_on_any_loop(vintage_loop):
    @trollius.coroutine
    def add(x, y):
        yield From(trollius.sleep(0))
        raise Return(x + y)

    def undecorated():
        raise Return((yield From(add(1, 2))) + (yield add(3, 4)))

    async def native():
        return await add(5, 6) + await trollius.ensure_future(undecorated())

    assert complete(vintage_loop, add(1, 2)) == 3
    assert complete(vintage_loop, undecorated()) == 10
    assert complete(vintage_loop, native()) == 21


def test_cancelling_reaches_the_inner_task_of_trollius(vintage_loop):
    seen = []

    @trollius.coroutine
    def inner():
        try:
            yield From(trollius.sleep(30))
        except trollius.CancelledError:
            seen.append("inner")
            raise

    @trollius.coroutine
    def outer():
        try:
            yield From(inner())
        finally:
            seen.append("outer")

    @trollius.coroutine
    def main():
        task = trollius.async_(outer()) if hasattr(trollius, "async_") else getattr(trollius, "async")(outer())
        yield From(trollius.sleep(0.01))
        task.cancel()
        yield From(trollius.wait([task]))
        raise Return(task.cancelled())

    assert complete(vintage_loop, main()) is True
    assert seen == ["inner", "outer"]


def test_exceptions_keep_their_lines(vintage_loop):
    @trollius.coroutine
    def fails():
        yield From(None)
        raise KeyError("here")

    @trollius.coroutine
    def main():
        try:
            yield From(fails())
        except KeyError as error:
            frame = error.__traceback__
            names = []
            while frame is not None:
                names.append(frame.tb_frame.f_code.co_name)
                frame = frame.tb_next
            raise Return(names) from None

    names = complete(vintage_loop, main())
    assert names[0] == "main"
    assert names[-1] == "fails"


def test_generators_are_closed(vintage_loop):
    closed = []

    @trollius.coroutine
    def waits():
        try:
            yield From(trollius.sleep(30))
        finally:
            closed.append(1)

    generator = waits()
    generator.close()  # it never began
    assert closed == []
    generator = waits()
    task = asyncio.ensure_future(generator, loop=vintage_loop)
    complete(vintage_loop, asyncio.sleep(0.01))
    task.cancel()
    complete(vintage_loop, asyncio.wait([task]))
    assert closed == [1]


def test_return_that_nobody_raises_is_reported(caplog):
    Return(5)
    gc.collect()
    assert "Return(5) used without raise" in caplog.text
    with pytest.raises(Return) as caught:
        raise Return(1, 2)
    assert caught.value.value == (1, 2)
    caught.value.raised = True


def test_modules_of_trollius():
    from tepal.vintage.trollius.executor import get_default_executor
    from tepal.vintage.trollius.py33_exceptions import ConnectionResetError as Reset

    from tepal.vintage.trollius import coroutines

    assert (coroutines.coroutine, coroutines.Return) == (trollius.coroutine, Return)
    assert asyncio.coroutines.coroutine is asyncio.coroutine is not trollius.coroutine
    assert Reset is ConnectionResetError
    executor = get_default_executor()
    assert executor.submit(sum, [1, 2]).result(5) == 3
    executor.shutdown()


# Kinds and names.


def test_isinstance_and_subclasses(vintage_loop):
    class MyTask(asyncio.Task):
        pass

    class MyFuture(asyncio.Future):
        def set_twice(self, value):
            self.set_result(value * 2)

    def generator():
        yield
        return 1

    future = MyFuture(loop=vintage_loop)
    future.set_twice(21)
    assert complete(vintage_loop, asyncio.wait_for(future, 1)) == 42
    assert isinstance(future, asyncio.Future)
    assert not isinstance(future, MyTask)
    task = MyTask(generator(), loop=vintage_loop)
    assert type(task) is MyTask
    assert complete(vintage_loop, task) == 1
    plain = asyncio.Task(generator(), loop=vintage_loop)
    other = vintage_loop.create_future()
    assert [isinstance(plain, kind) for kind in (asyncio.Task, asyncio.Future, MyTask)] == [True, True, False]
    assert [isinstance(other, kind) for kind in (asyncio.Task, asyncio.Future)] == [False, True]
    assert not isinstance(5, asyncio.Future)
    assert issubclass(MyTask, asyncio.Task)
    complete(vintage_loop, plain)


def test_a_task_shows_its_generator(vintage_loop):
    def generator():
        yield

    if not hasattr(vintage_loop, "_drives_generators"):
        pytest.skip("asyncio's own loop drives a coroutine around it")
    line = generator.__code__.co_firstlineno
    task = asyncio.Task(generator(), loop=vintage_loop)
    name = "test_a_task_shows_its_generator.<locals>.generator()"
    assert f"coro=<{name} running at {__file__}:{line}>" in repr(task)
    complete(vintage_loop, task)
    assert f"coro=<{name} done, defined at {__file__}:{line}> result=None>" in repr(task)


def test_asyncio_itself_knows_decorated_functions(vintage_loop):
    @asyncio.coroutine
    def old():
        yield

    @asyncio.coroutine
    def plain(*, value=1):
        """What it is."""
        return value

    assert inspect.iscoroutinefunction(plain) or modern.iscoroutinefunction(plain)
    assert asyncio.iscoroutinefunction(old)
    assert asyncio.iscoroutinefunction(plain)
    assert not asyncio.iscoroutinefunction(complete)
    assert (plain.__name__, plain.__doc__) == ("plain", "What it is.")
    assert str(inspect.signature(plain)) == "(*, value=1)"
    generator = plain(value=2)
    assert generator.__name__ == "plain"
    assert generator.gi_code.co_filename == __file__
    assert generator.gi_code.co_firstlineno == plain.__wrapped__.__code__.co_firstlineno
    assert complete(vintage_loop, generator) == 2


@pytest.mark.parametrize("module", [asyncio, trollius])
def test_every_name_of_the_modules_is_there(module):
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = module.nonsense
    assert module.subprocess.PIPE == -1
    assert module.tasks.Task is asyncio.Task
    assert module.futures.CancelledError is modern.CancelledError
    assert "sleep" in dir(module)
    assert "sleep" in dir(module.tasks)


def test_what_was_removed_is_refused_with_the_line():
    with pytest.raises(vintage.RefusedAttributeError) as caught:
        _ = asyncio.test_utils
    assert (caught.value.filename, caught.value.lineno) == (__file__, caught.tb.tb_lineno)
    with pytest.raises(vintage.RefusedImportError) as imported:
        from tepal.vintage.asyncio import test_utils  # noqa: F401
    assert imported.value.lineno == imported.tb.tb_lineno
    assert not hasattr(asyncio, "test_utils")


# Loops.


def test_get_event_loop_of_threads():
    asyncio.set_event_loop_policy(None)
    try:
        loop = asyncio.get_event_loop()
        assert asyncio.get_event_loop() is loop
        assert isinstance(loop, asyncio.SelectorEventLoop)
        raised = []

        def in_a_thread():
            try:
                asyncio.get_event_loop()
            except RuntimeError as error:
                raised.append(str(error))

        thread = threading.Thread(target=in_a_thread, name="other")
        thread.start()
        thread.join()
        assert raised == ["There is no current event loop in thread 'other'."]
        asyncio.set_event_loop(None)
        with pytest.raises(RuntimeError, match="no current event loop"):
            asyncio.get_event_loop()
        loop.close()
    finally:
        asyncio.set_event_loop_policy(None)
        from tepal import policy

        policy.set_policy(None)


def test_a_closed_loop_refuses():
    loop = asyncio.new_event_loop()
    loop.close()

    def generator():
        yield

    for call in (
        lambda: loop.run_until_complete(generator()),
        lambda: asyncio.ensure_future(generator(), loop=loop),
        lambda: asyncio.Task(generator(), loop=loop),
        lambda: loop.create_task(generator()),
    ):
        with pytest.raises(RuntimeError, match="Event loop is closed"):
            call()


def test_arguments_of_the_loop():
    selector = selectors.SelectSelector()
    loop = asyncio.SelectorEventLoop(selector, keep_tasks=True)
    loop.close()
    with pytest.raises(RuntimeError, match="Selector is closed"):
        selector.get_key(0)


def test_functions_of_other_kinds(vintage_loop):
    class Callable:
        def __call__(self, value):
            return asyncio.sleep(0, value)

    import functools

    for function in (Callable(), functools.partial(asyncio.sleep, 0), lambda value: asyncio.sleep(0, value)):
        once = asyncio.coroutine(function)
        assert complete(vintage_loop, once(5)) == 5
        assert complete(vintage_loop, asyncio.coroutine(once)(6)) == 6


def test_a_server_that_is_closed_waits_for_nobody(vintage_loop):
    if isinstance(vintage_loop, modern.SelectorEventLoop) and not hasattr(vintage_loop, "_drives_generators"):
        pytest.skip("asyncio's own server does what asyncio does")

    def main():
        server = yield from asyncio.start_server(lambda reader, writer: kept.append(writer), "127.0.0.1", 0)
        kept = []
        _, writer = yield from asyncio.open_connection(*server.sockets[0].getsockname())
        yield from asyncio.sleep(0.01)
        server.close()
        yield from asyncio.wait_for(server.wait_closed(), 5)
        for each in (*kept, writer):
            each.close()
        yield from asyncio.sleep(0.01)

    try:
        complete(vintage_loop, main())
    except TypeError as error:
        # An undecorated generator that nobody has translated cannot wait for a native coroutine.
        assert "cannot 'yield from' a coroutine object" in str(error)


def test_the_default_executor_may_be_of_any_kind(vintage_loop):
    import concurrent.futures

    class Immediately(concurrent.futures.Executor):
        def submit(self, function, /, *args):
            future = concurrent.futures.Future()
            future.set_result(function(*args))
            return future

    if not hasattr(vintage_loop, "_drives_generators"):
        pytest.skip("asyncio's own loop takes thread pools only")
    vintage_loop.set_default_executor(Immediately())
    assert complete(vintage_loop, vintage_loop.run_in_executor(None, sum, [1, 2])) == 3
    with pytest.raises(TypeError, match="an executor was expected, got 5"):
        vintage_loop.set_default_executor(5)


# Wrong arguments.


@pytest.mark.parametrize("decorate", [asyncio.coroutine, trollius.coroutine])
@pytest.mark.parametrize("wrong", [5, None, "text", object()])
def test_only_functions_are_decorated(decorate, wrong):
    with pytest.raises(TypeError, match="a function was expected, got "):
        decorate(wrong)


@pytest.mark.parametrize("wrong", [5, None, "text", len, [1]])
def test_what_is_no_coroutine(vintage_loop, wrong):
    with pytest.raises(TypeError, match="A Future, a coroutine or an awaitable is required, got "):
        getattr(asyncio, "async")(wrong)
    with pytest.raises(TypeError, match="a coroutine was expected, got "):
        asyncio.Task(wrong)
    with pytest.raises(TypeError, match="a coroutine was expected, got "):
        asyncio.run_coroutine_threadsafe(wrong, vintage_loop)
    with pytest.raises(TypeError):
        vintage_loop.run_until_complete(wrong)
    with pytest.raises(TypeError, match="A Future, a coroutine or an awaitable is required, got "):
        asyncio.gather(wrong)


@pytest.mark.parametrize("wrong", [5, "loop", object()])
def test_what_is_no_loop(wrong):
    def generator():
        yield

    for call in (
        lambda: asyncio.Future(loop=wrong),
        lambda: asyncio.Task(generator(), loop=wrong),
        lambda: asyncio.ensure_future(generator(), loop=wrong),
        lambda: asyncio.Queue(loop=wrong),
        lambda: asyncio.Lock(loop=wrong),
        lambda: asyncio.StreamReader(loop=wrong),
        lambda: asyncio.sleep(0, loop=wrong).send(None),
        lambda: asyncio.open_connection(loop=wrong).send(None),
        lambda: asyncio.Task.all_tasks(wrong),
    ):
        with pytest.raises(TypeError, match="an event loop was expected, got "):
            call()


def test_a_lock_of_another_loop(vintage_loop):
    other = asyncio.new_event_loop()
    lock = asyncio.Lock(loop=other)

    @asyncio.coroutine
    def contends():
        yield from lock.acquire()
        yield from asyncio.wait_for(lock.acquire(), 1)

    with pytest.raises(RuntimeError, match="is bound to a different event loop"):
        complete(vintage_loop, contends())
    other.close()


@pytest.mark.parametrize("wrong", [5, "text", object()])
def test_what_trollius_cannot_wait_for(vintage_loop, wrong):
    @trollius.coroutine
    def waits():
        yield From(wrong)

    with pytest.raises(RuntimeError, match="Task got bad yield: "):
        complete(vintage_loop, waits())


def test_a_future_of_another_loop(vintage_loop):
    other = asyncio.new_event_loop()
    future = asyncio.Future(loop=other)
    with pytest.raises(ValueError, match="loop argument must agree with Future"):
        asyncio.ensure_future(future, loop=vintage_loop)
    other.close()
