"""Debug mode: slow callbacks, origins, checks; and that it never crashes."""

import asyncio
import gc
import logging
import re
import sys
import time

import interpreter
import pytest
from turns import run_ready, run_turns

pytestmark = pytest.mark.parametrize("debug", [True])


@pytest.fixture
def slow(loop, caplog):
    """The loop with a low limit, and the asyncio logger's warnings."""
    loop.slow_callback_duration = 0.02
    caplog.set_level(logging.WARNING, "asyncio")
    return caplog


def messages(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def named(caplog, name):
    """The warnings about ``name``; a busy machine may make other callbacks slow."""
    return [message for message in messages(caplog) if name in message]


def test_switching(loop):
    assert loop.get_debug() is True
    assert loop._debug is True
    loop.set_debug(False)
    assert loop.get_debug() is False
    assert loop._debug is False
    loop.set_debug(1)
    assert loop.get_debug()


def test_the_limit(loop):
    assert loop.slow_callback_duration == 0.1
    loop.slow_callback_duration = 5
    assert loop.slow_callback_duration == 5


def test_a_slow_callback_is_logged(loop, slow):
    def sluggish(delay):
        time.sleep(delay)

    loop.call_soon(sluggish, 0.03)
    run_ready(loop)
    (text,) = named(slow, "sluggish")
    assert re.fullmatch(
        r"Executing <Handle .*sluggish\(0\.03\) at .*test_debug_mode\.py:\d+"
        r" created at .*test_debug_mode\.py:\d+> took 0\.\d{3} seconds",
        text,
    )


def test_a_slow_timer_is_logged(loop, slow):
    loop.call_later(0, time.sleep, 0.03)
    run_turns(loop, 2)
    (text,) = named(slow, "sleep(0.03)")
    assert text.startswith("Executing <TimerHandle ")


def test_a_slow_step_of_a_task_is_logged(loop, slow):
    async def sluggish():
        time.sleep(0.03)

    loop.run_until_complete(sluggish())
    (text,) = named(slow, "sluggish")
    assert re.match(r"Executing <Task finished name='Task-\d+' coro=<.*sluggish\(\) done, defined at ", text)
    assert re.search(r"took 0\.\d{3} seconds$", text)


def test_a_step_that_goes_on_is_logged(loop, slow):
    async def sluggish():
        time.sleep(0.03)
        await asyncio.sleep(0.001)

    loop.run_until_complete(sluggish())
    texts = named(slow, "sluggish")
    assert texts
    assert re.match(r"Executing <Task pending name='Task-\d+' coro=<.*sluggish\(\) running at ", texts[0])


def test_a_step_after_a_wake_up_is_logged(loop, slow):
    async def sluggish():
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        await future
        time.sleep(0.03)

    loop.run_until_complete(sluggish())
    assert "sluggish() done" in named(slow, "sluggish")[-1]


def test_quick_callbacks_are_not_logged(loop, caplog):
    loop.slow_callback_duration = 5
    caplog.set_level(logging.WARNING, "asyncio")
    loop.call_soon(int)
    loop.run_until_complete(asyncio.sleep(0))
    assert messages(caplog) == []


def test_nothing_is_logged_without_debug_mode(loop, slow):
    loop.set_debug(False)
    loop.call_soon(time.sleep, 0.03)
    run_ready(loop)
    assert messages(slow) == []


def test_debug_mode_may_begin_and_end_while_running(loop, slow):
    def first():
        time.sleep(0.03)

    def second():
        time.sleep(0.03)

    def third():
        time.sleep(0.03)

    async def main():
        for enabled, callback in ((False, first), (True, second), (False, third)):
            loop.set_debug(enabled)
            await asyncio.sleep(0)
            loop.call_soon(callback)
            await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert named(slow, "first") == named(slow, "third") == []
    assert len(named(slow, "second")) == 1


def test_handles_remember_where_they_were_made(loop):
    handle = loop.call_soon(int)
    timer = loop.call_later(100, int)
    for made in (handle, timer):
        assert made._source_traceback[-1].filename == __file__
        assert "created at" in repr(made)
    timer.cancel()
    run_ready(loop)


async def test_tasks_and_futures_remember_where_they_were_made(loop):
    task = loop.create_task(asyncio.sleep(0))
    future = loop.create_future()
    for made in (task, future):
        assert any(frame.filename == __file__ for frame in made._source_traceback)
        assert "created at" in repr(made)
    future.cancel()
    await task


def test_reports_carry_the_traceback(loop, reports):
    def fail():
        raise ValueError

    loop.call_soon(fail)
    run_ready(loop)
    context = reports.take_one()
    assert context["source_traceback"][-1].filename == __file__


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_coroutines_remember_their_origin(loop):
    async def nothing():
        pass

    async def main():
        coroutine = nothing()
        origin = coroutine.cr_origin
        coroutine.close()
        return origin

    origin = loop.run_until_complete(main())
    assert origin[0][0] == __file__
    assert origin[0][2] == "main"
    assert sys.get_coroutine_origin_tracking_depth() == 0


def test_origin_tracking_is_off_outside_debug_mode(loop):
    loop.set_debug(False)

    async def nothing():
        pass

    async def main():
        coroutine = nothing()
        origin = coroutine.cr_origin
        coroutine.close()
        return origin

    assert loop.run_until_complete(main()) is None


def test_origin_tracking_follows_set_debug(loop):
    depths = []

    async def main():
        depths.append(sys.get_coroutine_origin_tracking_depth())
        loop.set_debug(False)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        depths.append(sys.get_coroutine_origin_tracking_depth())
        loop.set_debug(True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        depths.append(sys.get_coroutine_origin_tracking_depth())

    loop.run_until_complete(main())
    assert depths == [10, 0, 10]
    assert sys.get_coroutine_origin_tracking_depth() == 0


def test_an_outer_origin_depth_is_put_back(loop):
    sys.set_coroutine_origin_tracking_depth(3)
    try:
        loop.run_until_complete(asyncio.sleep(0))
        assert sys.get_coroutine_origin_tracking_depth() == 3
    finally:
        sys.set_coroutine_origin_tracking_depth(0)


def test_asynchronous_generators_are_finalized(loop):
    """A peer's debug mode crashes while it walks the stack in a generator's finalizer."""
    closed = []

    async def numbers():
        try:
            for number in range(10):
                await asyncio.sleep(0)
                yield number
        finally:
            closed.append(1)

    async def use():
        async for number in numbers():
            if number == 2:
                break

    async def main():
        for _ in range(50):
            await use()
            gc.collect()
            await asyncio.sleep(0)

    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert len(closed) == 50


SCRIPT = """
import gc

async def numbers():
    try:
        for number in range(100):
            yield number
            await asyncio.sleep(0)
    finally:
        await asyncio.sleep(0)

async def use(number):
    async for found in numbers():
        if found == number % 5:
            return

async def main():
    for _ in range(20):
        await asyncio.gather(*(use(number) for number in range(20)))
        gc.collect()
    asyncio.get_running_loop().run_in_executor(None, int)
    print(asyncio.get_running_loop().get_debug())

library.run(main(), loop_factory=library.new_event_loop)
"""


def test_the_environment_switches_it_on_and_nothing_crashes(library, debug):
    output = interpreter.run(library.name, SCRIPT, environment={"PYTHONASYNCIODEBUG": "1"}, timeout=15)
    assert (output.returncode, output.stdout) == (0, "True\n"), output.stderr


def test_development_mode_switches_it_on(library, debug):
    script = "loop = library.new_event_loop(); print(loop.get_debug()); loop.close()"
    assert interpreter.run_silently(library.name, script, options=("-X", "dev")) == "True\n"


def test_it_is_off_by_default(library, debug):
    script = "loop = library.new_event_loop(); print(loop.get_debug()); loop.close()"
    environment = {"PYTHONASYNCIODEBUG": "", "PYTHONDEVMODE": ""}
    assert interpreter.run_silently(library.name, script, environment=environment) == "False\n"
