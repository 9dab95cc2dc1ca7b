"""Calls in the loop's own thread pool, which tepal makes without a ``concurrent.futures.Future``."""

import asyncio
import concurrent.futures
import contextvars
import gc
import os
import signal
import threading
import time
import weakref

import interpreter
import pytest
from turns import yield_turns


def threads_of_pools():
    return [thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")]


class Occupied:
    """All threads of the default executor of a loop busy, until release()."""

    def __init__(self, loop):
        self.released = threading.Event()
        first = loop.run_in_executor(None, int)
        count = loop._default_executor._max_workers
        started = threading.Barrier(count + 1)

        def occupy():
            started.wait(10)
            self.released.wait(10)

        self.futures = [first, *(loop.run_in_executor(None, occupy) for _ in range(count))]
        started.wait(10)

    async def release(self):
        self.released.set()
        await asyncio.gather(*self.futures)


async def test_a_call_cancelled_before_a_thread_is_free_never_runs(loop):
    ran = []
    occupied = Occupied(loop)
    cancelled = loop.run_in_executor(None, ran.append, "cancelled")
    wanted = loop.run_in_executor(None, ran.append, "wanted")
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await yield_turns(2)
    await occupied.release()
    await wanted
    assert ran == ["wanted"]


async def test_no_more_threads_than_the_pool_may_have(loop):
    occupied = Occupied(loop)
    executor = loop._default_executor
    assert executor._max_workers == len(threads_of_pools())
    assert {thread.name for thread in threads_of_pools()} == {f"asyncio_{n}" for n in range(executor._max_workers)}
    assert all(not thread.daemon for thread in threads_of_pools())
    more = [loop.run_in_executor(None, abs, -number) for number in range(20)]
    assert executor._work_queue.qsize() == 20
    await occupied.release()
    assert await asyncio.gather(*more) == list(range(20))
    assert executor._max_workers == len(threads_of_pools())
    assert executor._work_queue.empty()


async def test_one_call_after_the_other_needs_one_or_two_threads(loop, library):
    for _ in range(200):
        await loop.run_in_executor(None, int)
    # asyncio's thread counts as free only a moment after its answer has arrived.
    assert 1 <= len(threads_of_pools()) <= (2 if library.is_tepal else loop._default_executor._max_workers)


async def test_an_idle_thread_is_used_again(loop):
    names = set()
    for _ in range(5):
        names.add(await loop.run_in_executor(None, lambda: threading.current_thread().name))
        await asyncio.sleep(0.02)
    assert names == {"asyncio_0"}


async def test_submitting_by_hand_works_beside(loop):
    await loop.run_in_executor(None, int)
    executor = loop._default_executor
    by_hand = executor.submit(divmod, 7, 2)
    assert isinstance(by_hand, concurrent.futures.Future)
    assert await asyncio.wrap_future(by_hand) == (3, 1)
    assert list(executor.map(abs, (-1, -2))) == [1, 2]
    failing = executor.submit(divmod, 1, 0)
    assert isinstance(failing.exception(5), ZeroDivisionError)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
async def test_base_exceptions_come_to_the_future(loop, error):
    def fail():
        raise error("from the thread")

    future = loop.run_in_executor(None, fail)
    await asyncio.wait([future])
    if error is asyncio.CancelledError:
        assert isinstance(future.exception(), asyncio.CancelledError)
    else:
        assert isinstance(future.exception(), error)
    # The thread lives on.
    assert await loop.run_in_executor(None, abs, -1) == 1


async def test_concurrent_cancelled_errors_become_those_of_asyncio(loop):
    def cancelled():
        raise concurrent.futures.CancelledError("by hand")

    with pytest.raises(asyncio.CancelledError):
        await loop.run_in_executor(None, cancelled)


async def test_the_traceback_shows_the_function(loop):
    def innermost():
        raise LookupError("here")

    with pytest.raises(LookupError) as caught:
        await loop.run_in_executor(None, innermost)
    assert "innermost" in [entry.name for entry in caught.traceback]


async def test_the_thread_has_a_context_of_its_own(loop):
    variable = contextvars.ContextVar("variable", default="default")
    variable.set("changed")
    assert await loop.run_in_executor(None, variable.get) == "default"
    assert await asyncio.to_thread(variable.get) == "changed"


async def test_who_replaces_submit_sees_every_call(loop, monkeypatch):
    """As instrumentations do that carry a trace from thread to thread."""
    seen = []
    original = concurrent.futures.ThreadPoolExecutor.submit

    def submit(self, function, /, *args, **kwargs):
        seen.append(function)
        return original(self, function, *args, **kwargs)

    assert await loop.run_in_executor(None, abs, -1) == 1
    monkeypatch.setattr(concurrent.futures.ThreadPoolExecutor, "submit", submit)
    assert await loop.run_in_executor(None, abs, -2) == 2
    assert seen == [abs]


async def test_who_replaces_the_pool_gets_the_calls(loop, monkeypatch):
    class Pool(concurrent.futures.ThreadPoolExecutor):
        pass

    monkeypatch.setattr(concurrent.futures, "ThreadPoolExecutor", Pool)
    assert await loop.run_in_executor(None, abs, -1) == 1
    assert type(loop._default_executor) is Pool


async def test_shutting_down_may_cancel_what_waits(loop):
    ran = []
    occupied = Occupied(loop)
    waiting = [loop.run_in_executor(None, ran.append, number) for number in range(3)]
    by_hand = loop._default_executor.submit(ran.append, "by hand")
    loop._default_executor.shutdown(wait=False, cancel_futures=True)
    await asyncio.wait(waiting)
    assert all(future.cancelled() for future in waiting)
    assert by_hand.cancelled()
    await occupied.release()
    assert ran == []


async def test_after_the_executor_was_shut_down_directly(loop):
    await loop.run_in_executor(None, int)
    loop._default_executor.shutdown()
    assert threads_of_pools() == []
    with pytest.raises(RuntimeError, match="^cannot schedule new futures after shutdown$"):
        loop.run_in_executor(None, int)


async def test_nothing_is_kept_after_the_call(loop):
    class Callable:
        def __call__(self, argument):
            return argument

    class Argument:
        pass

    function, argument = Callable(), Argument()
    references = [weakref.ref(function), weakref.ref(argument)]
    assert await loop.run_in_executor(None, function, argument) is argument
    del function, argument
    # The thread lets go when it goes to sleep.
    for _ in range(100):
        gc.collect()
        if not any(reference() for reference in references):
            break
        await asyncio.sleep(0.01)
    assert [reference() for reference in references] == [None, None]


def test_an_answer_that_comes_after_close_is_dropped(library):
    loop = library.new_event_loop()
    release = threading.Event()
    future = loop.run_in_executor(None, release.wait, 10)
    executor = loop._default_executor
    loop.close()
    release.set()
    executor.shutdown(wait=True)
    assert not future.done()


def test_threads_end_when_the_loop_is_forgotten(library):
    loop = library.new_event_loop()
    loop.run_until_complete(loop.run_in_executor(None, int))
    (thread,) = threads_of_pools()
    loop.close()
    del loop
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()


def test_the_interpreter_waits_for_a_call(library):
    program = """
import time

def work():
    time.sleep(0.2)
    print("done", flush=True)

async def main():
    asyncio.get_running_loop().run_in_executor(None, work)
    await asyncio.sleep(0)

loop = library.new_event_loop()
loop.run_until_complete(main())
"""
    finished = interpreter.run(library.name, program)
    assert finished.stdout == "done\n"
    assert finished.returncode == 0


async def test_two_loops_in_two_threads(loop, library):
    def other():
        async def main():
            running = asyncio.get_running_loop()
            return await asyncio.gather(*(running.run_in_executor(None, abs, -n) for n in range(50)))

        with asyncio.Runner(loop_factory=library.new_event_loop) as runner:
            return runner.run(main())

    theirs = loop.run_in_executor(None, other)
    ours = await asyncio.gather(*(loop.run_in_executor(None, abs, -n) for n in range(50)))
    assert ours == await theirs == list(range(50))


async def test_an_answer_set_by_somebody_else_is_reported(loop):
    reports = []
    loop.set_exception_handler(lambda _loop, context: reports.append(context["exception"]))
    release = threading.Event()
    future = loop.run_in_executor(None, release.wait, 10)
    future.set_result("early")
    release.set()
    assert await future == "early"
    deadline = time.monotonic() + 5
    while not reports and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    # asyncio asserts that nobody did this; tepal names the error.
    assert [type(report) in (AssertionError, asyncio.InvalidStateError) for report in reports] == [True]


def test_a_forked_child_gets_threads_of_its_own(library):
    if library.name == "asyncio":
        pytest.skip("asyncio's child waits for threads that stayed with the parent")
    loop = library.new_event_loop()
    try:
        loop.run_until_complete(loop.run_in_executor(None, int))
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            status = 1
            try:
                again = loop.run_until_complete(loop.run_in_executor(None, abs, -3))
                status = 0 if again == 3 else 2
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
