"""Calls from other threads: ``call_soon_threadsafe`` and what is built on it."""

import asyncio
import concurrent.futures
import threading
import time

import pytest
from turns import run_ready, run_turns

PROMPT = 0.5  # seconds


@pytest.fixture
def in_thread():
    """Starts threads and joins them at the end."""
    threads = []

    def start(function, *arguments):
        thread = threading.Thread(target=function, args=arguments)
        threads.append(thread)
        thread.start()
        return thread

    yield start
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_an_idle_loop_wakes_at_once(loop, in_thread):
    times = []

    def call():
        time.sleep(0.03)
        times.append(time.monotonic())
        loop.call_soon_threadsafe(lambda: (times.append(time.monotonic()), loop.stop()))

    far = loop.call_later(15, loop.stop)
    in_thread(call)
    loop.run_forever()
    assert times[1] - times[0] < PROMPT
    far.cancel()


def test_an_idle_loop_without_timers_wakes(loop, in_thread):
    seen = []

    def call():
        time.sleep(0.02)
        loop.call_soon_threadsafe(seen.append, 1)
        loop.call_soon_threadsafe(loop.stop)

    in_thread(call)
    loop.run_forever()
    assert seen == [1]


def test_it_works_from_the_loops_own_thread(loop):
    seen = []
    loop.call_soon(seen.append, 1)
    loop.call_soon_threadsafe(seen.append, 2)
    loop.call_soon(seen.append, 3)
    run_turns(loop, 2)
    assert sorted(seen) == [1, 2, 3]
    assert seen.index(1) < seen.index(3)


def test_calls_before_the_loop_runs_are_kept(loop, in_thread):
    seen = []
    in_thread(lambda: [loop.call_soon_threadsafe(seen.append, number) for number in range(10)]).join()
    run_turns(loop, 2)
    assert seen == list(range(10))


def test_the_handle(loop, library):
    handle = loop.call_soon_threadsafe(print)
    assert isinstance(handle, asyncio.Handle)
    assert not handle.cancelled()
    handle.cancel()
    assert handle.cancelled()
    run_turns(loop, 2)


def test_cancelling_from_another_thread(loop, in_thread):
    seen = []
    handle = loop.call_soon_threadsafe(seen.append, 1)
    in_thread(handle.cancel).join()
    run_turns(loop, 2)
    assert seen == []


def test_calls_of_one_thread_keep_their_order(loop, in_thread):
    seen = []
    count = 5000

    def call():
        for number in range(count):
            loop.call_soon_threadsafe(seen.append, number)
        loop.call_soon_threadsafe(loop.stop)

    in_thread(call)
    loop.run_forever()
    assert seen == list(range(count))


@pytest.mark.timeout(40)
def test_calls_of_many_threads_all_arrive(loop, in_thread):
    count, threads = 1000, 8
    seen = []

    def arrive(pair):
        seen.append(pair)
        if len(seen) == count * threads:
            loop.stop()

    def call(name):
        for number in range(count):
            loop.call_soon_threadsafe(arrive, (name, number))

    for name in range(threads):
        in_thread(call, name)
    loop.run_forever()
    for name in range(threads):
        assert [number for made, number in seen if made == name] == list(range(count))


def test_wake_ups_are_not_lost_when_the_loop_falls_asleep(loop, in_thread):
    """Each round trip races the loop's way into its wait."""
    rounds = 500
    event = threading.Event()
    done = []

    def call():
        for _ in range(rounds):
            event.clear()
            loop.call_soon_threadsafe(event.set)
            if not event.wait(5):
                done.append("lost")
                break
        loop.call_soon_threadsafe(loop.stop)

    in_thread(call)
    loop.run_forever()
    assert done == []


def test_a_busy_loop_receives_calls(loop, in_thread):
    seen = []

    def busy():
        if not seen:
            loop.call_soon(busy)

    loop.call_soon(busy)
    in_thread(lambda: loop.call_soon_threadsafe(lambda: (seen.append(1), loop.stop())))
    loop.run_forever()
    assert seen == [1]


def test_a_closed_loop_refuses(loop):
    loop.close()
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop.call_soon_threadsafe(int)


def test_closing_while_others_call(library, in_thread):
    """The caller either succeeds or gets the closed loop's error, never a crash."""
    for _ in range(20):
        loop = library.new_event_loop()
        errors = []
        started = threading.Event()

        def call(loop=loop, errors=errors, started=started):
            try:
                while True:
                    loop.call_soon_threadsafe(int)
                    started.set()
            except RuntimeError as error:
                errors.append(str(error))

        thread = in_thread(call)
        started.wait(5)
        run_ready(loop)
        loop.close()
        thread.join(5)
        assert errors == ["Event loop is closed"]


def test_stopping_from_another_thread(loop, in_thread):
    def call():
        time.sleep(0.02)
        loop.call_soon_threadsafe(loop.stop)

    in_thread(call)
    start = time.monotonic()
    loop.run_forever()
    assert time.monotonic() - start < 5


def test_errors_are_reported(loop, reports, in_thread):
    def fail():
        raise ValueError("from a thread")

    in_thread(loop.call_soon_threadsafe, fail).join()
    run_turns(loop, 2)
    assert str(reports.take_one()["exception"]) == "from a thread"


@pytest.mark.parametrize("debug", [True])
def test_debug_mode_checks_the_thread(loop, in_thread):
    """Only while the loop runs is there a thread to compare with."""
    errors = []

    def call():
        for method in (
            lambda: loop.call_soon(int),
            lambda: loop.call_later(1, int),
            lambda: loop.call_at(1, int),
        ):
            try:
                method()
            except RuntimeError as error:
                errors.append(str(error))
        loop.call_soon_threadsafe(loop.stop)

    loop.call_soon(in_thread, call)
    loop.run_forever()
    text = "Non-thread-safe operation invoked on an event loop other than the current one"
    assert errors == [text] * 3


@pytest.mark.parametrize("debug", [True])
def test_debug_mode_names_the_method(loop):
    with pytest.raises(TypeError, match=r"^a callable object was expected by call_soon_threadsafe\(\), got 1$"):
        loop.call_soon_threadsafe(1)


def test_coroutines_from_another_thread(loop, in_thread):
    seen = []

    async def body(value):
        await asyncio.sleep(0.001)
        return value * 2

    async def fail():
        raise ValueError("wrong")

    def call():
        seen.append(asyncio.run_coroutine_threadsafe(body(4), loop).result(5))
        seen.append(type(asyncio.run_coroutine_threadsafe(fail(), loop).exception(5)))
        late = asyncio.run_coroutine_threadsafe(asyncio.sleep(30), loop)
        try:
            late.result(0.01)
        except concurrent.futures.TimeoutError:
            seen.append("late")
            late.cancel()
        loop.call_soon_threadsafe(lambda: loop.call_later(0.01, loop.stop))

    in_thread(call)
    loop.run_forever()
    assert seen == [8, ValueError, "late"]


def test_a_loop_may_run_in_another_thread_than_its_makers(library, in_thread):
    loop = library.new_event_loop()
    seen = []

    async def main():
        await asyncio.sleep(0.001)
        seen.append(asyncio.get_running_loop() is loop)
        seen.append(threading.current_thread() is not threading.main_thread())

    in_thread(lambda: loop.run_until_complete(main())).join()
    loop.close()
    assert seen == [True, True]


def test_a_loop_may_move_between_threads(library, in_thread):
    loop = library.new_event_loop()
    seen = []

    async def main(name):
        await asyncio.sleep(0)
        seen.append(name)

    loop.run_until_complete(main("here"))
    in_thread(lambda: loop.run_until_complete(main("there"))).join()
    loop.run_until_complete(main("here again"))
    in_thread(loop.close).join()
    assert seen == ["here", "there", "here again"]
    assert loop.is_closed()


def test_two_loops_in_two_threads(library, in_thread):
    results = {}

    def work(name):
        async def main():
            return sum(await asyncio.gather(*(asyncio.sleep(0, number) for number in range(100))))

        results[name] = library.run(main(), loop_factory=library.new_event_loop)

    threads = [in_thread(work, name) for name in range(4)]
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(range(4), 4950)


def test_loops_of_two_threads_call_each_other(library, in_thread):
    ready = threading.Event()
    loops = []

    def serve():
        async def main():
            loops.append(asyncio.get_running_loop())
            loops.append(asyncio.Event())
            ready.set()
            await loops[1].wait()

        library.run(main(), loop_factory=library.new_event_loop)

    async def double(value):
        return value * 2

    async def main():
        total = 0
        for number in range(100):
            future = asyncio.run_coroutine_threadsafe(double(number), loops[0])
            total += await asyncio.wrap_future(future)
        loops[0].call_soon_threadsafe(loops[1].set)
        return total

    in_thread(serve)
    ready.wait(5)
    assert library.run(main(), loop_factory=library.new_event_loop) == 9900


@pytest.mark.parametrize("work", ["idle", "busy"])
def test_other_threads_go_on_while_the_loop_runs(loop, in_thread, work):
    """The interpreter is released in a wait, and shared under load."""
    counts = [0]
    stop = threading.Event()

    def count():
        while not stop.is_set():
            counts[0] += 1

    def busy():
        loop.call_soon(busy)

    if work == "busy":
        loop.call_soon(busy)
    in_thread(count)
    loop.call_later(0.1, loop.stop)
    loop.run_forever()
    stop.set()
    assert counts[0] > 1000
