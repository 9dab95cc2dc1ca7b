"""Running, stopping, closing; and the errors of doing it wrongly, in asyncio's words."""

import asyncio
import gc
import re
import sys
import threading
import warnings

import pytest
from turns import run_ready, run_turns


def skip_what_3_13_0_breaks(library):
    """asyncio of 3.13.0 ends the outer run when it refuses a nested one."""
    if not library.is_tepal and sys.version_info[:3] == (3, 13, 0):
        pytest.skip("asyncio of 3.13.0 ends the outer run when it refuses a nested one")


async def give(value):
    await asyncio.sleep(0)
    return value


async def fail(error):
    await asyncio.sleep(0)
    raise error


def test_what_the_loop_is(loop, library):
    assert isinstance(loop, library.EventLoop)
    assert isinstance(loop, asyncio.BaseEventLoop)
    assert isinstance(loop, asyncio.AbstractEventLoop)


def test_repr(loop):
    name = type(loop).__name__
    assert repr(loop) == f"<{name} running=False closed=False debug=False>"

    async def inside():
        return repr(loop)

    assert loop.run_until_complete(inside()) == f"<{name} running=True closed=False debug=False>"
    loop.close()
    assert repr(loop) == f"<{name} running=False closed=True debug=False>"


@pytest.mark.parametrize("value", [None, 0, [1], ValueError()])
def test_a_result(loop, value):
    assert loop.run_until_complete(give(value)) is value


def test_an_error(loop):
    error = ValueError("wrong")
    with pytest.raises(ValueError) as caught:
        loop.run_until_complete(fail(error))
    assert caught.value is error


def test_futures_tasks_and_awaitables(loop, library):
    class Awaitable:
        def __await__(self):
            return give("awaited").__await__()

    future = loop.create_future()
    loop.call_soon(future.set_result, "future")
    assert loop.run_until_complete(future) == "future"
    assert loop.run_until_complete(future) == "future"
    assert loop.run_until_complete(loop.create_task(give("task"))) == "task"
    assert loop.run_until_complete(Awaitable()) == "awaited"


def test_what_cannot_be_run(loop):
    with pytest.raises(TypeError, match="^An asyncio.Future, a coroutine or an awaitable is required$"):
        loop.run_until_complete(1)


def test_a_future_of_another_loop(loop, library):
    other = library.new_event_loop()
    future = other.create_future()
    with pytest.raises(
        ValueError,
        match="^The future belongs to a different loop than the one specified as the loop argument$",
    ):
        loop.run_until_complete(future)
    other.close()


def test_the_main_task_has_asyncios_own_callback(loop):
    """anyio looks for this very function to find the root task."""
    found = []

    async def main():
        found.extend(callback for callback, _ in asyncio.current_task()._callbacks)

    loop.run_until_complete(main())
    assert found == [asyncio.base_events._run_until_complete_cb]


def test_the_callback_is_taken_away_again(loop):
    future = loop.create_future()
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match="^Event loop stopped before Future completed.$"):
        loop.run_until_complete(future)
    assert not future._callbacks
    future.cancel()


def test_an_error_with_a_future_not_done(loop):
    future = loop.create_future()

    def interrupt():
        raise KeyboardInterrupt

    loop.call_soon(interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(future)
    assert not future._callbacks
    assert not future.done()
    future.cancel()


def test_stop_leaves_tasks_where_they_are(loop):
    seen = []

    async def main():
        seen.append(1)
        loop.stop()
        await asyncio.sleep(0)
        seen.append(2)

    task = loop.create_task(main())
    loop.run_forever()
    assert seen == [1]
    loop.run_until_complete(task)
    assert seen == [1, 2]


def test_running_flags(loop):
    seen = []

    async def main():
        seen.append((loop.is_running(), loop.is_closed(), asyncio.get_running_loop() is loop))

    assert not loop.is_running()
    assert not loop.is_closed()
    loop.run_until_complete(main())
    assert seen == [(True, False, True)]
    assert not loop.is_running()
    with pytest.raises(RuntimeError, match="^no running event loop$"):
        asyncio.get_running_loop()


def test_flags_after_errors(loop):
    def interrupt():
        raise SystemExit

    loop.call_soon(interrupt)
    with pytest.raises(SystemExit):
        loop.run_forever()
    assert not loop.is_running()
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    assert loop.run_until_complete(give(1)) == 1


def attempts_while_running(loop, other):
    """Each forbidden thing, with the exception that it raised."""
    found = {}
    for name, attempt in {
        "run_forever": loop.run_forever,
        "close": loop.close,
        "other.run_forever": other.run_forever,
        "asyncio.run": lambda: asyncio.run(coroutine),  # noqa: B023
    }.items():
        coroutine = give(1)
        try:
            attempt()
        except Exception as error:
            found[name] = (type(error), str(error))
        coroutine.close()
    for name, runner in {"run_until_complete": loop, "other.run_until_complete": other}.items():
        future = runner.create_future()
        try:
            runner.run_until_complete(future)
        except Exception as error:
            found[name] = (type(error), str(error))
        future.cancel()
    return found


def test_nested_runs_are_refused(loop, library):
    skip_what_3_13_0_breaks(library)
    other = library.new_event_loop()
    found = []

    async def main():
        found.append(attempts_while_running(loop, other))

    loop.run_until_complete(main())
    running = (RuntimeError, "This event loop is already running")
    another = (RuntimeError, "Cannot run the event loop while another loop is running")
    assert found == [
        {
            "run_forever": running,
            "run_until_complete": running,
            "close": (RuntimeError, "Cannot close a running event loop"),
            "other.run_forever": another,
            "other.run_until_complete": another,
            "asyncio.run": (RuntimeError, "asyncio.run() cannot be called from a running event loop"),
        }
    ]
    run_turns(other, 1)
    other.close()


def test_a_coroutine_given_to_a_running_loop_is_not_lost_silently(loop, library):
    """asyncio makes a task of it only after the check: the caller sees the usual warning."""
    skip_what_3_13_0_breaks(library)

    async def main():
        coroutine = give(1)
        with pytest.raises(RuntimeError, match="already running"):
            loop.run_until_complete(coroutine)
        del coroutine
        gc.collect()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loop.run_until_complete(main())
    assert [str(warning.message) for warning in caught] == ["coroutine 'give' was never awaited"]


def test_another_threads_loop_cannot_be_run(loop, library):
    """A second thread that runs the same loop gets the error, the first goes on."""
    skip_what_3_13_0_breaks(library)
    errors = []

    def in_thread():
        try:
            loop.run_forever()
        except RuntimeError as error:
            errors.append(str(error))
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=in_thread)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()
    assert errors == ["This event loop is already running"]


def test_closing(loop):
    loop.close()
    assert loop.is_closed()
    loop.close()
    coroutine = give(1)
    for method in (loop.run_forever, lambda: loop.run_until_complete(coroutine)):
        with pytest.raises(RuntimeError, match="^Event loop is closed$"):
            method()
    coroutine.close()


def test_create_task_on_a_closed_loop(loop):
    loop.close()
    coroutine = give(1)
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop.create_task(coroutine)
    coroutine.close()


def test_a_loop_that_is_forgotten_warns(library):
    loop = library.new_event_loop()
    name = repr(loop)
    with pytest.warns(ResourceWarning, match=f"^unclosed event loop {re.escape(name)}$"):
        del loop
        gc.collect()


def test_run_forever_gives_nothing(loop):
    loop.call_soon(loop.stop)
    assert loop.run_forever() is None
    assert loop.stop() is None
    run_ready(loop)


def test_stop_twice(loop):
    loop.stop()
    loop.stop()
    seen = []
    loop.call_soon(seen.append, 1)
    loop.run_forever()
    assert seen == [1]
    loop.call_soon(seen.append, 2)
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert seen == [1, 2]


def test_many_runs(loop):
    for number in range(300):
        assert loop.run_until_complete(give(number)) == number


def test_many_loops(library):
    for number in range(50):
        loop = library.new_event_loop()
        assert loop.run_until_complete(give(number)) == number
        loop.close()


def test_run(library):
    async def main():
        return asyncio.get_running_loop()

    loop = library.run(main(), loop_factory=library.new_event_loop)
    assert isinstance(loop, library.EventLoop)
    assert loop.is_closed()


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
def test_run_chooses_its_own_loop(library):
    async def main():
        return type(asyncio.get_running_loop())

    assert library.run(main()) is library.EventLoop


@pytest.mark.parametrize("debug", [True, False])
def test_run_sets_debug(library, debug):
    async def main():
        return asyncio.get_running_loop().get_debug()

    assert library.run(main(), debug=debug, loop_factory=library.new_event_loop) is debug


def test_run_cancels_what_is_left(library):
    seen = []

    async def left():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main():
        asyncio.get_running_loop().create_task(left())
        await asyncio.sleep(0)

    library.run(main(), loop_factory=library.new_event_loop)
    assert seen == ["cancelled"]


def test_run_closes_generators_and_executors(library):
    seen = []

    async def numbers():
        try:
            yield 1
        finally:
            seen.append("closed")

    kept = []

    async def main():
        generator = numbers()
        kept.append(generator)
        await generator.__anext__()
        await asyncio.to_thread(int)
        kept.append(asyncio.get_running_loop())

    library.run(main(), loop_factory=library.new_event_loop)
    assert seen == ["closed"]
    assert kept[1]._executor_shutdown_called


def test_run_hands_on_errors(library):
    with pytest.raises(ValueError, match="wrong"):
        library.run(fail(ValueError("wrong")), loop_factory=library.new_event_loop)


def test_run_refuses_what_is_no_coroutine(library):
    with pytest.raises((TypeError, ValueError), match="a coroutine was expected|is required"):
        library.run(1, loop_factory=library.new_event_loop)


def test_the_runner(library):
    with asyncio.Runner(loop_factory=library.new_event_loop) as runner:
        assert isinstance(runner.get_loop(), library.EventLoop)
        assert runner.run(give(1)) == 1
        assert runner.run(give(2)) == 2


def test_the_runner_leaves_the_signal_alone(library):
    import signal

    before = signal.getsignal(signal.SIGINT)
    with asyncio.Runner(loop_factory=library.new_event_loop) as runner:
        runner.run(give(1))
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(sys.version_info < (3, 12), reason="loop_factory is new in 3.12")
def test_asyncio_run(library):
    async def main():
        return type(asyncio.get_running_loop())

    assert asyncio.run(main(), loop_factory=library.EventLoop) is library.EventLoop


def test_set_event_loop(library):
    loop = library.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        assert asyncio.get_event_loop() is loop
        assert asyncio.get_event_loop().run_until_complete(give(1)) == 1
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_unittests_async_cases(library):
    import unittest

    ran = []

    class Case(unittest.IsolatedAsyncioTestCase):
        loop_factory = staticmethod(library.new_event_loop)

        async def asyncSetUp(self):
            await asyncio.sleep(0)

        async def test_it(self):
            await asyncio.sleep(0)
            ran.append(type(asyncio.get_running_loop()))

    result = unittest.TestResult()
    Case("test_it").run(result)
    assert result.wasSuccessful(), result.errors
    if sys.version_info >= (3, 13):
        assert ran == [library.EventLoop]
    else:
        assert len(ran) == 1
