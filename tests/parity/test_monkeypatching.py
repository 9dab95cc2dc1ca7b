"""What others replace at run time on instances and classes is honoured."""

import asyncio
import weakref

import pytest
from turns import run_ready, run_turns, run_until


async def give(value):
    await asyncio.sleep(0)
    return value


def record_calls(loop, name):
    """Replace ``loop.name`` by a function that records and passes on."""
    calls = []
    original = getattr(loop, name)

    def replacement(*arguments, **keywords):
        calls.append(arguments)
        return original(*arguments, **keywords)

    setattr(loop, name, replacement)
    return calls


def test_attributes_of_a_loop(loop):
    """sentry marks a loop and replaces ``close`` on the instance."""
    loop._sentry_flush_patched = True
    assert loop._sentry_flush_patched is True
    assert vars(loop)["_sentry_flush_patched"] is True
    calls = record_calls(loop, "close")
    loop.close()
    assert calls == [()]
    assert loop.is_closed()


def test_a_loop_can_be_weakly_referenced_and_hashed(loop):
    assert weakref.ref(loop)() is loop
    assert {loop: 1}[loop] == 1
    mapping = weakref.WeakKeyDictionary({loop: "state"})
    assert mapping[loop] == "state"


def test_call_soon_replaced_on_the_instance_sees_every_step(loop, library):
    """A tracer that replaces ``call_soon`` must see the steps of tasks, also of ours."""
    calls = record_calls(loop, "call_soon")

    async def body():
        await asyncio.sleep(0)
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        return await future

    task = library.Task(body(), loop=loop)
    assert len(calls) == 1
    assert loop.run_until_complete(task) == 1
    # first step, sleep(0), set_result, wake-up, the callback of run_until_complete
    assert len(calls) == 5
    assert all(callable(arguments[0]) for arguments in calls)


def test_call_soon_overridden_in_a_subclass_sees_every_step(library):
    calls = []

    class Loop(library.EventLoop):
        def call_soon(self, callback, *arguments, context=None):
            calls.append(context)
            return super().call_soon(callback, *arguments, context=context)

    loop = Loop()
    future = loop.create_future()
    future.add_done_callback(lambda done: None)
    future.set_result(None)
    assert len(calls) == 1
    assert loop.run_until_complete(give(1)) == 1
    loop.close()
    assert len(calls) == 4
    assert all(context is not None for context in calls[:3])


def test_call_soon_replaced_while_tasks_wait(loop, library):
    """Replacing takes effect for what is scheduled afterwards."""
    future = loop.create_future()

    async def body():
        return await future

    task = library.Task(body(), loop=loop)
    run_ready(loop)
    calls = record_calls(loop, "call_soon")
    future.set_result(1)
    assert len(calls) == 1
    del loop.call_soon
    assert loop.run_until_complete(task) == 1


def test_call_soon_put_back(loop, library):
    calls = record_calls(loop, "call_soon")
    loop.run_until_complete(give(1))
    count = len(calls)
    assert count
    del loop.call_soon
    loop.run_until_complete(give(2))
    assert len(calls) == count


def test_call_soon_replaced_on_the_class(library, monkeypatch):
    calls = []
    original = library.EventLoop.call_soon

    def replacement(self, callback, *arguments, **keywords):
        calls.append(callback)
        return original(self, callback, *arguments, **keywords)

    monkeypatch.setattr(library.EventLoop, "call_soon", replacement)
    loop = library.new_event_loop()
    assert loop.run_until_complete(give(1)) == 1
    loop.close()
    assert len(calls) >= 3


def test_create_task_replaced_on_the_instance(loop):
    calls = record_calls(loop, "create_task")
    loop.run_until_complete(give(1))

    async def main():
        await asyncio.gather(give(1), give(2))

    loop.run_until_complete(main())
    assert len(calls) == 4


def test_create_task_replaced_on_the_class(library, monkeypatch):
    """ddtrace wraps the class's method."""
    calls = []
    original = library.EventLoop.create_task

    def replacement(self, coroutine, **keywords):
        calls.append(coroutine)
        return original(self, coroutine, **keywords)

    monkeypatch.setattr(library.EventLoop, "create_task", replacement)
    loop = library.new_event_loop()
    loop.run_until_complete(give(1))
    loop.close()
    assert len(calls) == 1


def test_time_replaced_on_the_instance(loop):
    """freezegun and test clocks replace ``time``; timers then follow that clock."""
    now = [1000.0]
    loop.time = lambda: now[0]
    seen = []
    handle = loop.call_later(60, seen.append, 1)
    assert handle.when() == 1060.0
    run_turns(loop, 3)
    assert seen == []
    now[0] = 1061.0
    run_turns(loop, 2)
    assert seen == [1]


def test_time_replaced_after_timers_were_set(loop):
    seen = []
    loop.call_later(3600, seen.append, 1)
    real = loop.time
    loop.time = lambda: real() + 7200
    run_until(loop, lambda: bool(seen))
    assert seen == [1]


def test_call_exception_handler_replaced_on_the_instance(loop):
    seen = []
    loop.call_exception_handler = seen.append

    def fail():
        raise ValueError

    loop.call_soon(fail)
    run_ready(loop)
    assert len(seen) == 1
    assert type(seen[0]["exception"]) is ValueError


def test_get_debug_replaced_on_the_instance(loop):
    loop.get_debug = lambda: True
    assert loop.create_future()._source_traceback is not None


@pytest.mark.parametrize("kind", ["Task", "Future"])
def test_attributes_of_tasks_and_futures(loop, library, kind):
    """playwright and tracers hang their own state on tasks."""
    made = library.Task(give(1), loop=loop) if kind == "Task" else library.Future(loop=loop)
    made.__pw_caller_frame__ = "frame"
    made.ordinary = 1
    assert made.__pw_caller_frame__ == "frame"
    assert made.ordinary == 1
    del made.ordinary
    assert not hasattr(made, "ordinary")
    loop.call_soon(loop.stop)
    loop.run_forever()
    if kind == "Task":
        loop.run_until_complete(made)


def test_methods_replaced_on_a_task(loop, library):
    """Whoever awaits a task calls the methods the instance shows."""
    calls = []
    task = library.Task(asyncio.sleep(60), loop=loop)
    original = task.cancel

    def cancel(msg=None):
        calls.append(msg)
        return original(msg)

    task.cancel = cancel

    async def wait():
        await task

    waiter = loop.create_task(wait())
    run_turns(loop, 2)
    waiter.cancel("through")
    assert calls == ["through"]
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(waiter)


def test_asyncios_functions_replaced(loop, monkeypatch):
    """Tracers wrap ``asyncio.create_task`` and ``asyncio.tasks.gather``."""
    calls = []
    original = asyncio.create_task

    def create_task(coroutine, **keywords):
        calls.append(coroutine)
        return original(coroutine, **keywords)

    monkeypatch.setattr(asyncio, "create_task", create_task)

    async def main():
        return await asyncio.create_task(give(3))

    assert loop.run_until_complete(main()) == 3
    assert len(calls) == 1


def test_handles_with_a_replaced_callback(loop):
    """ddtrace reads and others replace ``_callback`` of a handle not yet run."""
    seen = []
    handle = loop.call_soon(seen.append, 1)
    if not hasattr(type(handle), "__slots__") or "_callback" in dir(handle):
        assert handle._callback == seen.append
    run_ready(loop)
    assert seen == [1]


def test_setting_the_debug_attribute(loop):
    loop._debug = True
    assert loop.get_debug() is True
    loop._debug = False
    assert loop.get_debug() is False


def test_run_forever_replaced_on_the_instance(loop):
    calls = record_calls(loop, "run_forever")
    assert loop.run_until_complete(give(1)) == 1
    assert calls == [()]


def test_run_once_replaced(loop, library):
    """nest_asyncio and GUI loops put their own turn in place."""
    turns = []
    original = loop._run_once

    def run_once():
        turns.append(1)
        original()

    loop._run_once = run_once
    assert loop.run_until_complete(give(1)) == 1
    assert len(turns) >= 2


def test_run_once_overridden(library):
    turns = []

    class Loop(library.EventLoop):
        def _run_once(self):
            turns.append(1)
            super()._run_once()

    loop = Loop()
    try:
        assert loop.run_until_complete(asyncio.sleep(0.002, 1)) == 1
        assert len(turns) >= 2
    finally:
        loop.close()


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
def test_a_nested_turn(loop):
    """A callback turns the running loop by hand, as nest_asyncio does with a turn of its own.

    asyncio's own turn then counts callbacks that are gone and raises IndexError.
    """
    seen = []

    def nested():
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        loop.call_later(0.002, seen.append, "timer")
        while not (future.done() and "timer" in seen):
            loop._run_once()
        seen.append("done")

    loop.call_soon(nested)
    loop.call_soon(seen.append, "between")
    run_until(loop, lambda: "done" in seen)
    assert seen == ["between", "timer", "done"]
