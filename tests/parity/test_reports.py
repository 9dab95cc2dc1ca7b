"""What is reported about futures and tasks that nobody asked after."""

import asyncio
import gc
import logging
import re
import sys

import pytest
from turns import run_ready, run_turns, run_until

BOTH = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


async def fail(error):
    raise error


async def forever(loop):
    await loop.create_future()


@BOTH
def test_an_exception_of_a_future_that_nobody_retrieved(loop, library, reports):
    error = ValueError("forgotten")
    future = library.Future(loop=loop)
    future.set_exception(error)
    text = repr(future)
    del future
    gc.collect()
    context = reports.take_one()
    assert context["message"] == "Future exception was never retrieved"
    assert context["exception"] is error
    assert repr(context["future"]) == text
    assert isinstance(context["future"], asyncio.Future)
    expected = {"message", "exception", "future"}
    if loop.get_debug():
        expected.add("source_traceback")
    assert set(context) == expected


@BOTH
def test_an_exception_of_a_task_that_nobody_retrieved(loop, library, reports):
    error = ValueError("forgotten")
    task = library.Task(fail(error), loop=loop, name="forgotten")
    run_turns(loop, 2)
    del task
    gc.collect()
    context = reports.take_one()
    assert context["message"] == "Task exception was never retrieved"
    assert context["exception"] is error
    assert context["future"].get_name() == "forgotten"
    expected = {"message", "exception", "future"}
    if loop.get_debug():
        expected.add("source_traceback")
    assert set(context) == expected


@pytest.mark.parametrize("kind", ["Future", "Task", "pending Task"])
@pytest.mark.parametrize("cycle", [False, True], ids=["counted", "collected"])
def test_every_one_of_many_is_reported(loop, library, reports, kind, cycle):
    """Memory that is used again must not remember that its last object was finalized."""
    for number in range(1, 60):
        if kind == "Future":
            made = library.Future(loop=loop)
            made.set_exception(ValueError(number))
        elif kind == "Task":
            made = library.Task(fail(ValueError(number)), loop=loop)
            run_turns(loop, 2)
        else:
            made = library.Task(forever(loop), loop=loop)
            run_ready(loop)
        if cycle:
            made.itself = made
        del made
        if cycle or number % 10 == 0:
            gc.collect()
        if kind == "pending Task":
            gc.collect()
        contexts = reports.take()
        assert len(contexts) == 1, f"number {number}: {contexts}"
        contexts.clear()


def test_the_log_of_a_forgotten_exception(loop, library, reports):
    loop.set_exception_handler(None)
    error = ValueError("forgotten")
    task = library.Task(fail(error), loop=loop, name="name")
    run_turns(loop, 2)
    del task
    gc.collect()
    assert len(reports.records) == 1
    first, second = reports.records[0].split("\n")
    assert first == "Task exception was never retrieved"
    assert re.fullmatch(
        r"future: <Task finished name='name' coro=<fail\(\) done, defined at .*>"
        r" exception=ValueError\('forgotten'\)>",
        second,
    )
    assert reports.take_exceptions() == [error]


def suppressed(call):
    with pytest.raises(ValueError):
        call()


@pytest.mark.parametrize(
    "retrieve",
    [
        lambda task: task.exception(),
        lambda task: suppressed(task.result),
        lambda task: setattr(task, "_log_traceback", False),
    ],
    ids=["exception", "result", "flag"],
)
def test_what_was_retrieved_is_not_reported(loop, library, retrieve):
    task = library.Task(fail(ValueError()), loop=loop)
    future = library.Future(loop=loop)
    future.set_exception(ValueError())
    run_turns(loop, 2)
    retrieve(task)
    retrieve(future)
    del task, future
    gc.collect()


def test_awaiting_is_retrieving(loop, library):
    task = library.Task(fail(ValueError()), loop=loop)

    async def main():
        with pytest.raises(ValueError):
            await task

    loop.run_until_complete(main())
    del task
    gc.collect()


def test_cancelled_ones_are_not_reported(loop, library):
    future = library.Future(loop=loop)
    future.cancel()
    task = library.Task(asyncio.sleep(0), loop=loop)
    task.cancel()
    run_turns(loop, 2)
    del future, task
    gc.collect()


def test_results_are_not_reported(loop, library):
    future = library.Future(loop=loop)
    future.set_result(ValueError())
    del future
    gc.collect()


def test_subclasses_are_named(loop, library, reports):
    class Special(library.Future):
        pass

    class Job(library.Task):
        pass

    future = Special(loop=loop)
    future.set_exception(ValueError())
    task = Job(fail(ValueError()), loop=loop)
    run_turns(loop, 2)
    del future, task
    gc.collect()
    messages = sorted(context["message"] for context in reports.take())
    assert messages == ["Job exception was never retrieved", "Special exception was never retrieved"]


@BOTH
def test_a_task_destroyed_while_pending(loop, library, reports):
    future = loop.create_future()

    async def body():
        await future

    task = library.Task(body(), loop=loop, name="lost")
    run_ready(loop)
    assert task._log_destroy_pending is True
    del task, future, body
    gc.collect()
    # The cycle of task, coroutine and future was held by nobody else.
    context = reports.take_one()
    assert context["message"] == "Task was destroyed but it is pending!"
    assert context["task"].get_name() == "lost"
    assert repr(context["task"]).startswith("<Task pending name='lost' coro=<")
    expected = {"message", "task"}
    if loop.get_debug():
        expected.add("source_traceback")
    assert set(context) == expected


def test_the_log_of_a_destroyed_task(loop, library, reports):
    loop.set_exception_handler(None)

    async def body():
        await loop.create_future()

    task = library.Task(body(), loop=loop, name="lost")
    run_ready(loop)
    del task
    gc.collect()
    (record,) = reports.take_records()
    assert re.fullmatch(
        r"Task was destroyed but it is pending!\n"
        r"task: <Task pending name='lost' coro=<.*body\(\) (running at|done, defined at) .*>( wait_for=.*)?>",
        record,
    )


def test_the_report_of_a_destroyed_task_can_be_switched_off(loop, library):
    async def body():
        await loop.create_future()

    task = library.Task(body(), loop=loop)
    run_ready(loop)
    task._log_destroy_pending = False
    del task
    gc.collect()


def test_a_task_scheduled_on_a_loop_is_not_destroyed(loop, library):
    """The ready queue holds it."""
    library.Task(asyncio.sleep(0), loop=loop)
    gc.collect()
    assert len(asyncio.all_tasks(loop)) == 1
    run_turns(loop, 3)
    assert asyncio.all_tasks(loop) == set()


def test_a_task_that_waits_for_a_timer_is_not_destroyed(loop, library):
    seen = []

    async def body():
        await asyncio.sleep(0.002)
        seen.append("woken")

    library.Task(body(), loop=loop)
    run_ready(loop)
    gc.collect()
    run_until(loop, lambda: bool(seen))
    assert seen == ["woken"]


def test_the_finally_of_a_destroyed_task_runs(loop, library, reports):
    seen = []

    async def body():
        try:
            await loop.create_future()
        finally:
            seen.append("closed")

    library.Task(body(), loop=loop)
    run_ready(loop)
    gc.collect()
    assert seen == ["closed"]
    reports.take_one()


def test_a_report_may_keep_the_task_alive(loop, library, reports):
    """The context resurrects it: afterwards it is an ordinary object again."""

    async def body():
        await loop.create_future()

    library.Task(body(), loop=loop, name="kept")
    run_ready(loop)
    gc.collect()
    task = reports.take_one()["task"]
    assert task.get_name() == "kept"
    assert not task.done()
    assert repr(task)
    del task
    gc.collect()


def test_an_error_in_the_handler_of_a_forgotten_exception(loop, library, reports):
    def handler(loop, context):
        raise ZeroDivisionError

    loop.set_exception_handler(handler)
    future = library.Future(loop=loop)
    future.set_exception(ValueError())
    del future
    gc.collect()
    (record,) = reports.take_records()
    assert record.startswith("Unhandled error in exception handler")


def test_unfinished_objects_report_nothing(loop, library):
    """``__new__`` without ``__init__``: no report, no crash."""
    task = library.Task.__new__(library.Task)
    future = library.Future.__new__(library.Future)
    del task, future
    gc.collect()


def test_uninitialized_objects_raise(loop, library):
    future = library.Future.__new__(library.Future)
    for attempt in (
        lambda: future.result(),
        lambda: future.exception(),
        lambda: future.set_result(1),
        lambda: future.set_exception(ValueError()),
        lambda: future.cancel(),
        lambda: future.add_done_callback(print),
        lambda: future.get_loop(),
        lambda: iter(future),
    ):
        with pytest.raises((RuntimeError, AttributeError, asyncio.InvalidStateError)):
            attempt()
    assert future.cancelled() is False
    assert future.done() is False


def test_uninitialized_tasks(library):
    task = library.Task.__new__(library.Task)
    assert task.done() is False
    if library.is_tepal or sys.version_info >= (3, 13):
        assert task.get_coro() is None  # asyncio of 3.11 and 3.12 crashes here
    with pytest.raises((RuntimeError, asyncio.InvalidStateError)):
        task.get_loop()
    with pytest.raises((RuntimeError, asyncio.InvalidStateError)):
        task.result()


def test_gather_reports_only_what_nobody_saw(loop, library, reports):
    async def main():
        with pytest.raises(ValueError, match="first"):
            await asyncio.gather(fail(ValueError("first")), fail(ValueError("second")))

    loop.run_until_complete(main())
    gc.collect()
    assert reports.take() == []


def test_debug_logs_come_from_the_asyncio_logger(library, caplog, reports):
    with caplog.at_level(logging.DEBUG, "asyncio"):
        loop = library.new_event_loop()
        loop.set_debug(True)
        loop.close()
    assert any(record.getMessage().startswith("Close ") for record in caplog.records)
