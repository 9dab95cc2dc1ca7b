"""``run_in_executor`` and the default executor's life."""

import asyncio
import concurrent.futures
import contextlib
import sys
import threading
import time

import pytest


def name_of_thread():
    return threading.current_thread().name


async def test_the_default_executor(loop):
    assert loop._default_executor is None
    name = await loop.run_in_executor(None, name_of_thread)
    assert name.startswith("asyncio_")
    assert isinstance(loop._default_executor, concurrent.futures.ThreadPoolExecutor)


async def test_arguments_and_results(loop):
    assert await loop.run_in_executor(None, divmod, 7, 3) == (2, 1)


async def test_the_answer_is_a_future(loop, library):
    future = loop.run_in_executor(None, int)
    assert isinstance(future, asyncio.Future)
    assert future.get_loop() is loop
    assert await future == 0


async def test_exceptions(loop):
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(None, divmod, 1, 0)


async def test_stop_iteration_out_of_a_thread(loop):
    """It cannot enter a future as it is; the waiter must not hang."""

    def stop():
        raise StopIteration(1)

    if sys.version_info < (3, 13):
        pytest.skip("asyncio itself leaves the waiter hanging before 3.13")
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(loop.run_in_executor(None, stop), 5)


async def test_an_executor_of_ones_own(loop):
    with concurrent.futures.ThreadPoolExecutor(1, "mine") as executor:
        assert (await loop.run_in_executor(executor, name_of_thread)).startswith("mine_")
    assert loop._default_executor is None


async def test_setting_the_default(loop):
    executor = concurrent.futures.ThreadPoolExecutor(1, "chosen")
    loop.set_default_executor(executor)
    assert loop._default_executor is executor
    assert (await loop.run_in_executor(None, name_of_thread)).startswith("chosen_")


def test_only_thread_pools_may_be_the_default(loop):
    with pytest.raises(TypeError, match="^executor must be ThreadPoolExecutor instance$"):
        loop.set_default_executor(object())


async def test_many_calls(loop):
    numbers = await asyncio.gather(*(loop.run_in_executor(None, abs, -n) for n in range(300)))
    assert numbers == list(range(300))


async def test_the_loop_goes_on_meanwhile(loop):
    release = threading.Event()
    future = loop.run_in_executor(None, release.wait, 10)
    ticks = 0
    for _ in range(20):
        await asyncio.sleep(0)
        ticks += 1
    assert not future.done()
    release.set()
    assert await future is True
    assert ticks == 20


async def test_cancelling_what_has_not_started(loop):
    release = threading.Event()
    ran = []
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        first = loop.run_in_executor(executor, release.wait, 10)
        second = loop.run_in_executor(executor, ran.append, 1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await asyncio.sleep(0)  # the cancellation travels to the thread pool by a callback
        release.set()
        await first
    assert ran == []


async def test_cancelling_what_runs(loop):
    started, release = threading.Event(), threading.Event()

    def work():
        started.set()
        release.wait(10)

    future = loop.run_in_executor(None, work)
    while not started.is_set():
        await asyncio.sleep(0.001)
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future
    release.set()


async def test_wait_for_a_thread(loop):
    release = threading.Event()
    try:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(loop.run_in_executor(None, release.wait, 10), 0.005)
    finally:
        release.set()


async def test_to_thread(loop):
    assert await asyncio.to_thread(lambda a, *, b: (a, b), 1, b=2) == (1, 2)


async def test_shutting_down(loop):
    await loop.run_in_executor(None, int)
    executor = loop._default_executor
    await loop.shutdown_default_executor()
    assert loop._executor_shutdown_called is True
    with pytest.raises(RuntimeError, match="^Executor shutdown has been called$"):
        await loop.run_in_executor(None, int)
    with pytest.raises(RuntimeError):
        executor.submit(int)
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        assert await loop.run_in_executor(other, int) == 0


async def test_shutting_down_without_an_executor(loop):
    await loop.shutdown_default_executor()
    with pytest.raises(RuntimeError, match="^Executor shutdown has been called$"):
        await loop.run_in_executor(None, int)


async def test_shutting_down_waits_for_threads(loop):
    finished = []
    future = loop.run_in_executor(None, lambda: (time.sleep(0.02), finished.append(1)))
    await loop.shutdown_default_executor()
    assert finished == [1]
    await future


@pytest.mark.skipif(sys.version_info < (3, 13), reason="3.12.1 has the keyword, but waits all the same")
async def test_shutting_down_with_a_limit(loop):
    release = threading.Event()
    future = loop.run_in_executor(None, release.wait, 10)
    try:
        with pytest.warns(
            RuntimeWarning,
            match=r"The executor did not finishing joining its threads within 0.01 seconds\.",
        ):
            await loop.shutdown_default_executor(timeout=0.01)
    finally:
        release.set()
    await future


def test_closing_does_not_wait_for_threads(library):
    loop = library.new_event_loop()
    release = threading.Event()
    future = loop.run_in_executor(None, release.wait, 10)
    executor = loop._default_executor
    start = time.monotonic()
    loop.close()
    assert time.monotonic() - start < 1
    assert loop._default_executor is None
    release.set()
    executor.shutdown(wait=True)
    del future


def test_a_closed_loop_refuses(loop):
    loop.close()
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop.run_in_executor(None, int)


def test_a_thread_that_ends_after_the_loop(library):
    """The thread's answer finds the loop closed: no crash, no report on the loop."""
    loop = library.new_event_loop()
    release = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        future = loop.run_in_executor(executor, release.wait, 10)
        loop.close()
        release.set()
    assert not future.done()


@pytest.mark.parametrize("debug", [True])
async def test_debug_mode_refuses_coroutines(loop):
    async def nothing():
        pass

    with pytest.raises(TypeError, match=r"^coroutines cannot be used with run_in_executor\(\)$"):
        await loop.run_in_executor(None, nothing)
    with pytest.raises(TypeError, match=r"^a callable object was expected by run_in_executor\(\), got 1$"):
        await loop.run_in_executor(None, 1)


def double(value):
    return value * 2


@pytest.mark.timeout(60)
async def test_a_process_pool(loop):
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with contextlib.closing(_Pool(context)) as pool:
        assert await loop.run_in_executor(pool.executor, double, 21) == 42


class _Pool:
    """A pool that leaves no descriptor of its resource tracker behind."""

    def __init__(self, context):
        self.executor = concurrent.futures.ProcessPoolExecutor(1, mp_context=context)

    def close(self):
        from multiprocessing import resource_tracker

        self.executor.shutdown(wait=True)
        resource_tracker._resource_tracker._stop()


class Immediately(concurrent.futures.Executor):
    """Calls at once, in the loop's own thread: the answer is there before anybody follows it."""

    def submit(self, function, /, *args, **kwargs):
        done = concurrent.futures.Future()
        try:
            done.set_result(function(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


class Own(concurrent.futures.Future):
    """A future whose fields are not to be read directly."""

    def result(self, timeout=None):
        return ("own", super().result(timeout))


class WithOwnFutures(concurrent.futures.Executor):
    def submit(self, function, /, *args, **kwargs):
        done = Own()
        done.set_result(function(*args, **kwargs))
        return done


async def test_an_executor_that_answers_at_once(loop):
    assert await loop.run_in_executor(Immediately(), divmod, 7, 3) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(Immediately(), divmod, 7, 0)


async def test_a_subclass_of_the_future_is_asked_by_its_methods(loop):
    answer = await loop.run_in_executor(WithOwnFutures(), int, "5")
    reads_fields = hasattr(concurrent.futures.Future, "_get_snapshot")  # as asyncio itself does since then
    assert answer == (5 if reads_fields else ("own", 5))


async def test_cancelled_errors_are_those_of_asyncio(loop):
    def cancelled():
        raise concurrent.futures.CancelledError("by hand")

    future = loop.run_in_executor(Immediately(), cancelled)
    with pytest.raises(asyncio.CancelledError):
        await future


async def test_what_is_no_future_is_refused(loop):
    class Wrong(concurrent.futures.Executor):
        def submit(self, function, /, *args, **kwargs):
            return "no future"

    with pytest.raises(AssertionError, match="concurrent.futures.Future is expected"):
        loop.run_in_executor(Wrong(), int)


async def test_a_source_that_is_cancelled_cancels_the_answer(loop):
    source = concurrent.futures.Future()

    class Mine(concurrent.futures.Executor):
        def submit(self, function, /, *args, **kwargs):
            return source

    answer = loop.run_in_executor(Mine(), int)
    source.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer


async def test_an_answer_that_is_cancelled_cancels_the_source(loop):
    source = concurrent.futures.Future()

    class Mine(concurrent.futures.Executor):
        def submit(self, function, /, *args, **kwargs):
            return source

    answer = loop.run_in_executor(Mine(), int)
    answer.cancel()
    await asyncio.sleep(0)
    assert source.cancelled()


def test_an_answer_to_a_closed_loop_is_dropped(library):
    source = concurrent.futures.Future()

    class Mine(concurrent.futures.Executor):
        def submit(self, function, /, *args, **kwargs):
            return source

    loop = library.new_event_loop()
    answer = loop.run_in_executor(Mine(), int)
    loop.close()
    source.set_result(1)
    assert not answer.done()


def test_a_loop_with_its_own_futures(library):
    class Marked(asyncio.Future):
        pass

    class Loop(library.EventLoop):
        def create_future(self):
            return Marked(loop=self)

    loop = Loop()
    try:
        future = loop.run_in_executor(Immediately(), int, "3")
        assert type(future) is Marked
        assert loop.run_until_complete(future) == 3
    finally:
        loop.close()
