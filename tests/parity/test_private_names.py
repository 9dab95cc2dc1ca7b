"""The private names that third parties read, with the meaning they rely on.

anyio, aiohttp, nest_asyncio, aiomonitor, ddtrace, sentry, aioconsole,
prompt_toolkit and CPython's own test base class read these.
"""

import asyncio
import collections.abc
import signal
import sys
import threading

import pytest
from turns import run_ready, run_turns

LOOP_NAMES = """
    _ready _scheduled _default_executor _selector _thread_id _debug _closed _stopping _asyncgens
    _asyncgen_firstiter_hook _asyncgen_finalizer_hook _set_coroutine_origin_tracking _check_closed
    _check_running _check_thread _clock_resolution _signal_handlers _task_factory _exception_handler
    _current_handle slow_callback_duration _run_once _process_events _write_to_self _start_serving
    _stop_serving _sendfile_native _transports _internal_fds _asyncgens_shutdown_called
    _executor_shutdown_called _timer_handle_cancelled _check_callback _add_callback_signalsafe
    _coroutine_origin_tracking_enabled _coroutine_origin_tracking_saved_depth
""".split()

FUTURE_NAMES = """
    _callbacks _state _result _exception _loop _source_traceback _log_traceback _cancel_message
    _make_cancelled_error _asyncio_future_blocking
""".split()

TASK_NAMES = [*FUTURE_NAMES, "_coro", "_fut_waiter", "_must_cancel", "_log_destroy_pending"]

HANDLE_NAMES = "_callback _args _cancelled _loop _source_traceback _repr _context _run _repr_info".split()


async def give(value):
    await asyncio.sleep(0)
    return value


@pytest.mark.parametrize("name", LOOP_NAMES)
def test_names_of_a_loop(loop, name):
    assert hasattr(loop, name)


@pytest.mark.parametrize("name", FUTURE_NAMES)
def test_names_of_a_future(loop, library, name):
    assert hasattr(library.Future(loop=loop), name)


@pytest.mark.parametrize("name", TASK_NAMES)
def test_names_of_a_task(loop, library, name):
    task = library.Task(give(1), loop=loop)
    assert hasattr(task, name)
    loop.run_until_complete(task)


@pytest.mark.parametrize("name", HANDLE_NAMES)
def test_names_of_a_handle(loop, name):
    handle = loop.call_soon(int)
    timer = loop.call_later(0, int)
    assert hasattr(handle, name) and hasattr(timer, name)
    run_turns(loop, 2)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="call graphs are new in 3.14")
def test_awaited_by(loop, library):
    assert library.Future(loop=loop)._asyncio_awaited_by is None
    task = library.Task(give(1), loop=loop)
    assert task._asyncio_awaited_by is None
    loop.run_until_complete(task)


def test_flags_of_running_and_closing(loop):
    seen = []
    assert loop._thread_id is None
    assert loop._closed is False
    assert loop._stopping is False

    async def main():
        seen.append(loop._thread_id == threading.get_ident())
        loop.stop()
        seen.append(loop._stopping)

    task = loop.create_task(main())
    loop.run_forever()
    assert seen == [True, True]
    assert loop._thread_id is None
    assert loop._stopping is False
    loop.run_until_complete(task)
    loop.close()
    assert loop._closed is True


def test_the_ready_queue(loop):
    assert len(loop._ready) == 0
    assert not loop._ready
    handle = loop.call_soon(int)
    assert len(loop._ready) == 1
    assert list(loop._ready) == [handle]
    run_ready(loop)
    assert len(loop._ready) == 0


def test_tasks_in_the_ready_queue(loop, library):
    """Watchers of a loop's load count the steps as well."""
    tasks = [library.Task(give(number), loop=loop) for number in range(3)]
    assert len(loop._ready) == 3
    loop.run_until_complete(asyncio.gather(*tasks))


def test_the_schedule(loop):
    assert list(loop._scheduled) == []
    late = loop.call_later(20, int)
    early = loop.call_later(10, int)
    assert loop._scheduled[0] is early
    assert set(loop._scheduled) == {late, early}
    assert [handle._cancelled for handle in loop._scheduled] == [False, False]
    assert loop._scheduled[0]._when == early.when()
    early.cancel()
    late.cancel()


def test_the_clock_resolution(loop):
    assert isinstance(loop._clock_resolution, float)
    assert 0 < loop._clock_resolution <= 0.001


def test_checks(loop):
    assert loop._check_closed() is None
    assert loop._check_running() is None
    assert loop._check_thread() is None

    async def main():
        with pytest.raises(RuntimeError, match="^This event loop is already running$"):
            loop._check_running()

    loop.run_until_complete(main())
    loop.close()
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop._check_closed()


def test_signal_handlers(loop):
    """prompt_toolkit looks a handler up by its number and runs it."""
    assert loop._signal_handlers.get(signal.SIGUSR1) is None
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    handle = loop._signal_handlers[signal.SIGUSR1]
    assert handle._callback == seen.append
    handle._run()
    assert seen == [1]
    loop.remove_signal_handler(signal.SIGUSR1)


def test_the_default_executor(loop):
    """CPython's own test base class reads it in every teardown."""
    assert loop._default_executor is None
    loop.run_until_complete(loop.run_in_executor(None, int))
    assert loop._default_executor is not None
    loop._default_executor.shutdown(wait=True)


def test_writing_to_itself(loop):
    assert loop._write_to_self() is None
    run_ready(loop)


@pytest.mark.parametrize("debug", [True])
def test_the_current_handle(loop):
    """In debug mode it is the handle that runs now."""
    seen = []
    handle = loop.call_soon(lambda: seen.append(loop._current_handle))
    run_ready(loop)
    assert seen == [handle]
    assert loop._current_handle is None


def test_run_once_by_hand(loop):
    """nest_asyncio and test tools turn the loop by hand."""
    seen = []
    loop.call_soon(seen.append, 1)
    loop._run_once()
    assert seen == [1]


def test_the_must_cancel_flag(loop, library):
    task = library.Task(give(1), loop=loop)
    assert task._must_cancel is False
    task.cancel()
    assert task._must_cancel is True
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    assert task._must_cancel is False


def test_what_anyio_asks_of_a_waiting_task(loop, library):
    """It re-cancels a task only when the awaited future is one and is not done."""
    future = loop.create_future()

    async def body():
        await future

    task = library.Task(body(), loop=loop)
    assert task._fut_waiter is None
    run_ready(loop)
    waiter = task._fut_waiter
    assert waiter is future
    assert isinstance(waiter, asyncio.Future)
    future.set_result(None)
    assert task._fut_waiter is future and task._fut_waiter.done()
    run_turns(loop, 2)
    assert task._fut_waiter is None


def test_what_anyio_asks_of_eager_factories(library):
    factory = library.eager_task_factory
    if factory is None:
        pytest.skip("eager start is new in 3.12")
    if library.is_tepal:
        # anyio compares by ``__code__`` of asyncio's own closure and takes what has none
        # for an ordinary factory; both answers are sound.
        assert callable(factory)
    else:
        assert factory.__code__ is asyncio.create_eager_task_factory(asyncio.Task).__code__


def test_the_coroutine_and_the_loop(loop, library):
    """aiomonitor reads ``_coro``, aioconsole ``_fut_waiter._loop``."""
    coroutine = give(1)
    task = library.Task(coroutine, loop=loop)
    assert task._coro is coroutine
    assert isinstance(task._coro, collections.abc.Coroutine)
    assert task._loop is loop
    loop.run_until_complete(task)


def test_private_names_of_a_finished_task(loop, library):
    task = library.Task(give(5), loop=loop)
    loop.run_until_complete(task)
    assert task._state == "FINISHED"
    assert task._result == 5
    assert task._exception is None
    assert task._fut_waiter is None
    assert task._callbacks is None


def test_the_log_destroy_pending_flag_can_be_set(loop, library):
    task = library.Task(give(1), loop=loop)
    assert task._log_destroy_pending is True
    task._log_destroy_pending = False
    assert task._log_destroy_pending is False
    loop.run_until_complete(task)


def test_formatting_by_asyncios_own_functions(loop, library):
    """aiomonitor and asyncio's debug log use these on whatever they find."""
    from asyncio import base_events, base_futures, base_tasks, coroutines

    task = library.Task(give(1), loop=loop, name="name")
    assert "name='name'" in " ".join(base_tasks._task_repr_info(task))
    assert base_futures._future_repr_info(loop.create_future())[0] == "pending"
    assert "give()" in coroutines._format_coroutine(task._coro)
    handle = loop.call_soon(int)
    assert "int()" in base_events._format_handle(handle)
    assert base_futures.isfuture(task)
    loop.run_until_complete(task)


def test_registration_hooks_still_work(loop, library):
    """A third kind of task may register itself through asyncio's documented hooks."""
    from asyncio import tasks

    class Foreign:
        def get_loop(self):
            return loop

        _loop = property(get_loop)

        def done(self):
            return False

    foreign = Foreign()
    tasks._register_task(foreign)
    try:
        assert foreign in asyncio.all_tasks(loop)
    finally:
        tasks._unregister_task(foreign)
    assert foreign not in asyncio.all_tasks(loop)


async def test_entering_and_leaving_tasks_by_hand(loop):
    from asyncio import tasks

    current = asyncio.current_task()
    other = loop.create_task(give(1))
    tasks._leave_task(loop, current)
    assert asyncio.current_task() is None
    tasks._enter_task(loop, other)
    assert asyncio.current_task() is other
    tasks._leave_task(loop, other)
    tasks._enter_task(loop, current)
    assert asyncio.current_task() is current
    await other
