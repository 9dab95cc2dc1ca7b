"""Closing: what it drops, what it leaves alone, and in which states it works."""

import asyncio
import os
import threading

import pytest
from turns import run_ready


async def forever(loop):
    await loop.create_future()


def test_closing_twice(library):
    loop = library.new_event_loop()
    loop.close()
    loop.close()
    assert loop.is_closed()


@pytest.mark.parametrize("ran", [False, True])
def test_closing_with_everything_pending(library, ran, reports):
    loop = library.new_event_loop()
    loop.set_exception_handler(reports.record_context)
    reader, writer = os.pipe()
    loop.call_soon(int)
    loop.call_later(1000, int)
    loop.call_soon_threadsafe(int)
    loop.add_reader(reader, int)
    loop.add_writer(writer, int)
    task = library.Task(forever(loop), loop=loop)
    if ran:
        run_ready(loop)
    loop.close()
    assert loop.is_closed()
    assert not task.done()
    task._log_destroy_pending = False
    os.close(reader)
    os.close(writer)
    task.get_coro().close()


def test_queues_are_empty_afterwards(library):
    loop = library.new_event_loop()
    loop.call_soon(int)
    loop.call_later(1000, int)
    loop.close()
    assert len(loop._ready) == 0
    assert len(loop._scheduled) == 0


def test_closing_in_a_callback_is_refused(loop):
    errors = []

    def close():
        try:
            loop.close()
        except RuntimeError as error:
            errors.append(str(error))

    loop.call_soon(close)
    run_ready(loop)
    assert errors == ["Cannot close a running event loop"]
    assert not loop.is_closed()


def test_closing_while_another_thread_runs_it(library):
    loop = library.new_event_loop()
    running = threading.Event()
    loop.call_soon(running.set)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    running.wait(5)
    with pytest.raises(RuntimeError, match="^Cannot close a running event loop$"):
        loop.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_cancelling_handles_after_closing(library):
    loop = library.new_event_loop()
    handle, timer = loop.call_soon(int), loop.call_later(1000, int)
    loop.close()
    handle.cancel()
    timer.cancel()
    assert handle.cancelled() and timer.cancelled()
    assert repr(handle) and repr(timer)


def test_finishing_futures_after_closing(library):
    loop = library.new_event_loop()
    future, watched = loop.create_future(), loop.create_future()
    watched.add_done_callback(print)
    loop.close()
    future.set_result(1)
    assert future.result() == 1
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        watched.set_result(1)


def test_cancelling_a_task_after_closing(library):
    loop = library.new_event_loop()
    task = library.Task(forever(loop), loop=loop)
    run_ready(loop)
    loop.close()
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        task.cancel()
    task._log_destroy_pending = False
    task.get_coro().close()


def test_a_destructor_that_schedules_while_closing(library):
    """Dropping the queues may run any code, also code that uses the loop."""
    loop = library.new_event_loop()
    errors = []

    class Argument:
        def __del__(self):
            try:
                loop.call_soon(int)
            except RuntimeError as error:
                errors.append(str(error))

    loop.call_soon(print, Argument())
    loop.call_later(1000, print, Argument())
    loop.close()
    assert set(errors) <= {"Event loop is closed"}


def test_what_still_answers_after_closing(library):
    loop = library.new_event_loop()
    loop.close()
    assert loop.is_closed() and not loop.is_running()
    assert isinstance(loop.time(), float)
    assert loop.get_debug() is False
    assert repr(loop)
    assert loop.create_future().get_loop() is loop
    assert loop.get_exception_handler() is None
    assert loop.get_task_factory() is None
    loop.stop()
    reader, writer = os.pipe()
    assert loop.remove_reader(reader) is False
    assert loop.remove_writer(writer) is False
    os.close(reader)
    os.close(writer)


def test_shutting_down_after_closing(library):
    loop = library.new_event_loop()
    loop.close()
    for coroutine in (loop.shutdown_asyncgens(), loop.shutdown_default_executor()):
        with pytest.raises(RuntimeError, match="^Event loop is closed$"):
            loop.run_until_complete(coroutine)
        coroutine.close()


def test_the_descriptor_of_another_is_not_closed(library):
    """A loop closes its own descriptors once: a number used again meanwhile is not its own."""
    loop = library.new_event_loop()
    loop.close()
    reader, writer = os.pipe()
    loop.close()
    del loop
    assert os.write(writer, b"x") == 1
    assert os.read(reader, 1) == b"x"
    os.close(reader)
    os.close(writer)


def test_closing_from_a_signal_handler_of_python(loop):
    import signal

    errors = []

    def handler(number, frame):
        try:
            loop.close()
        except RuntimeError as error:
            errors.append(str(error))
        loop.call_soon_threadsafe(loop.stop)

    old = signal.signal(signal.SIGUSR1, handler)
    try:
        loop.call_soon(os.kill, os.getpid(), signal.SIGUSR1)
        loop.run_forever()
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert errors == ["Cannot close a running event loop"]


def test_asyncio_run_after_a_loop_was_left_open(library):
    first = library.new_event_loop()
    assert library.run(asyncio.sleep(0, 1), loop_factory=library.new_event_loop) == 1
    first.close()
