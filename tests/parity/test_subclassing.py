"""Subclasses of the loop, Task, Future and Handle: overrides are honoured."""

import asyncio
import contextvars
import gc
import sys
import weakref

import pytest
from turns import run_ready, run_turns


async def give(value):
    await asyncio.sleep(0)
    return value


def test_a_future_with_state_of_its_own(loop, library):
    class Future(library.Future):
        __slots__ = ("extra",)

        def __init__(self, *, loop, extra):
            super().__init__(loop=loop)
            self.extra = extra

    future = Future(loop=loop, extra=[1])
    assert future.extra == [1]
    assert asyncio.isfuture(future)
    assert isinstance(future, library.Future)
    assert type(future) is Future
    assert future.__class__ is Future
    assert repr(future).startswith("<Future pending")
    future.set_result(1)

    async def main():
        return await future

    assert loop.run_until_complete(main()) == 1


def test_overridden_future_methods_are_called(loop, library):
    calls = []

    class Future(library.Future):
        def add_done_callback(self, callback, *, context=None):
            calls.append("add_done_callback")
            super().add_done_callback(callback, context=context)

        def cancel(self, msg=None):
            calls.append(("cancel", msg))
            return super().cancel(msg)

        def result(self):
            calls.append("result")
            return super().result()

        def get_loop(self):
            calls.append("get_loop")
            return super().get_loop()

    async def wait(future):
        return await future

    future = Future(loop=loop)
    task = loop.create_task(wait(future))
    run_ready(loop)
    assert "add_done_callback" in calls
    task.cancel("why")
    assert ("cancel", "why") in calls
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)


def test_a_future_whose_result_is_overridden(loop, library):
    class Doubling(library.Future):
        def __await__(self):
            value = yield from super().__await__()
            return value * 2

        __iter__ = __await__

    future = Doubling(loop=loop)
    loop.call_soon(future.set_result, 4)

    async def main():
        return await future

    assert loop.run_until_complete(main()) == 8


def test_an_overridden_repr(loop, library):
    class Future(library.Future):
        def _repr_info(self):
            return ["own"]

        def __repr__(self):
            return "<mine>"

    assert repr(Future(loop=loop)) == "<mine>"


def test_a_future_with_a_finalizer(loop, library):
    seen = []

    class Future(library.Future):
        def __del__(self):
            seen.append(self._state)
            super().__del__()

    future = Future(loop=loop)
    del future
    gc.collect()
    assert seen == ["PENDING"]


def test_a_future_without_init_is_not_used(loop, library):
    class Lazy(library.Future):
        def __init__(self):
            pass

    future = Lazy()
    with pytest.raises((RuntimeError, AttributeError)):
        future.set_result(1)


def test_a_task_with_state_of_its_own(loop, library):
    class Job(library.Task):
        def __init__(self, coroutine, *, loop, label):
            self.label = label
            super().__init__(coroutine, loop=loop, name=f"job {label}")

    job = Job(give(1), loop=loop, label="first")
    assert job.label == "first"
    assert job.get_name() == "job first"
    assert type(job) is Job
    assert job.__class__ is Job
    assert repr(job).startswith("<Job pending name='job first'")
    assert asyncio.all_tasks(loop) == {job}
    assert loop.run_until_complete(job) == 1


def test_a_generic_subclass(loop, library):
    from typing import TypeVar

    kind = TypeVar("kind")

    class Job(library.Task[kind]):
        pass

    class Answer(library.Future[kind]):
        pass

    assert loop.run_until_complete(Job(give(1), loop=loop)) == 1
    assert Answer(loop=loop).done() is False


def test_overridden_task_methods_are_called(loop, library):
    calls = []

    class Job(library.Task):
        def cancel(self, msg=None):
            calls.append(("cancel", msg))
            return super().cancel(msg)

        def add_done_callback(self, callback, *, context=None):
            calls.append("add_done_callback")
            super().add_done_callback(callback, context=context)

    async def wait(task):
        await task

    job = Job(asyncio.sleep(60), loop=loop)
    outer = loop.create_task(wait(job))
    run_turns(loop, 2)
    outer.cancel("through")
    assert ("cancel", "through") in calls
    assert "add_done_callback" in calls
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(outer)


def test_a_task_in_two_families(loop, library):
    class Mixin:
        def shout(self):
            return self.get_name().upper()

    class Job(Mixin, library.Task):
        pass

    job = Job(give(1), loop=loop, name="job")
    assert job.shout() == "JOB"
    assert loop.run_until_complete(job) == 1


def test_a_subclass_is_collected(loop, library):
    class Job(library.Task):
        pass

    job = Job(give(1), loop=loop)
    job.itself = job
    loop.run_until_complete(job)
    run_ready(loop)
    reference = weakref.ref(job)
    del job
    gc.collect()
    assert reference() is None


def test_a_loop_with_state_of_its_own(library, opened):
    class Loop(library.EventLoop):
        def __init__(self, label):
            super().__init__()
            self.label = label
            self.calls = []

    loop = opened(Loop("mine"))
    assert loop.label == "mine"
    assert isinstance(loop, library.EventLoop)
    assert loop.run_until_complete(give(1)) == 1


def test_overridden_create_task_is_used(library, opened):
    made = []

    class Loop(library.EventLoop):
        def create_task(self, coroutine, **keywords):
            task = super().create_task(coroutine, **keywords)
            made.append(task)
            return task

    loop = opened(Loop())

    async def main():
        await asyncio.gather(give(1), give(2))
        async with asyncio.TaskGroup() as group:
            group.create_task(give(3))
        await asyncio.create_task(give(4))

    loop.run_until_complete(main())
    assert len(made) == 5


def test_overridden_create_future_is_used(library, opened):
    made = []

    class Loop(library.EventLoop):
        def create_future(self):
            future = super().create_future()
            made.append(future)
            return future

    loop = opened(Loop())

    async def main():
        await asyncio.sleep(0.001)
        await asyncio.wait([asyncio.ensure_future(give(1))])

    loop.run_until_complete(main())
    assert len(made) >= 2


def test_overridden_call_later_and_call_at_are_used(library, opened):
    calls = []

    class Loop(library.EventLoop):
        def call_later(self, delay, callback, *arguments, context=None):
            calls.append(("call_later", delay))
            return super().call_later(delay, callback, *arguments, context=context)

        def call_at(self, when, callback, *arguments, context=None):
            calls.append(("call_at",))
            return super().call_at(when, callback, *arguments, context=context)

    loop = opened(Loop())

    async def main():
        await asyncio.sleep(0.001)
        async with asyncio.timeout(60):
            await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert ("call_later", 0.001) in calls
    assert ("call_at",) in calls


def test_an_overridden_clock_is_used(library, opened):
    """Test clocks override ``time``: deadlines are then in their time."""

    class Loop(library.EventLoop):
        skew = 1000.0

        def time(self):
            return super().time() + self.skew

    loop = opened(Loop())
    before = loop.time()
    handle = loop.call_later(0.002, loop.stop)
    assert before + 0.002 <= handle.when() <= loop.time() + 0.002
    loop.run_forever()
    assert loop.time() >= handle.when() - 0.001

    async def main():
        asyncio.get_running_loop().call_soon(setattr, loop, "skew", 5000.0)
        await asyncio.sleep(3000)

    loop.run_until_complete(main())


def test_overridden_close_and_stop(library, opened):
    calls = []

    class Loop(library.EventLoop):
        def stop(self):
            calls.append("stop")
            super().stop()

        def close(self):
            calls.append("close")
            super().close()

    loop = opened(Loop())
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert calls == ["stop", "close"]


def test_overridden_get_debug(library, opened):
    class Loop(library.EventLoop):
        def get_debug(self):
            return True

    loop = opened(Loop())
    future = loop.create_future()
    assert future._source_traceback is not None


def test_an_overridden_timer_cancelled_hook(library, opened):
    calls = []

    class Loop(library.EventLoop):
        def _timer_handle_cancelled(self, handle):
            calls.append(handle)
            super()._timer_handle_cancelled(handle)

    loop = opened(Loop())
    handle = loop.call_later(10, int)
    handle.cancel()
    assert calls == [handle]
    handle.cancel()
    assert calls == [handle]


def test_handles_made_by_hand_are_accepted(loop, library):
    class Handle(library.Handle):
        def _run(self):
            seen.append("overridden")
            return super()._run()

    seen = []
    handle = Handle(seen.append, ("run",), loop)
    handle._run()
    assert seen == ["overridden", "run"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager start is new in 3.12")
def test_an_eager_subclass(loop, library):
    class Job(library.Task):
        pass

    async def main():
        job = Job(give(1), loop=loop, eager_start=True)
        return await job, type(job) is Job

    assert loop.run_until_complete(main()) == (1, True)


def test_an_overridden_result_is_asked_when_a_task_wakes(loop, library):
    """asyncio's Task calls ``result()`` of what it awaited, of subclasses too; what it raises is thrown."""
    running = []

    class Future(library.Future):
        def result(self):
            running.append(asyncio.current_task())
            if super().result() == "bad":
                raise LookupError("not that")
            return "ignored"

    async def wait(future):
        return await future

    for value, expected in (("good", "good"), ("bad", LookupError)):
        future = Future(loop=loop)
        task = loop.create_task(wait(future))
        loop.call_later(0.001, future.set_result, value)
        if expected is LookupError:
            with pytest.raises(LookupError, match="not that"):
                loop.run_until_complete(task)
        else:
            assert loop.run_until_complete(task) == expected
    assert running == [None, None]


def test_call_later_goes_through_call_at(library, opened):
    """Clocks of tests replace ``call_at`` alone; ``asyncio.sleep()`` comes there as well."""
    calls = []

    class Loop(library.EventLoop):
        def call_at(self, when, callback, *arguments, context=None):
            calls.append((when, arguments, context))
            return super().call_at(self.time(), callback, *arguments, context=context)

    loop = opened(Loop())
    begun = loop.time()
    context = contextvars.copy_context()
    loop.call_later(3600, calls.append, "ran", context=context)
    [(when, arguments, given)] = calls
    assert when == pytest.approx(begun + 3600, abs=1) and arguments == ("ran",) and given is context
    assert loop.run_until_complete(asyncio.sleep(1800, "slept")) == "slept"
    assert "ran" in calls
    del calls[:]
    original = loop.call_at
    loop.call_at = lambda when, *rest, context=None: original(when + 60, *rest, context=context)
    handle = loop.call_later(60, int)
    assert calls[0][0] == pytest.approx(loop.time() + 120, abs=1)
    handle.cancel()
    del loop.call_at
    loop.call_later(0, int).cancel()
    assert len(calls) == 2


def test_create_future_replaced_on_the_instance(loop, library):
    class Future(library.Future):
        pass

    loop.create_future = lambda: Future(loop=loop)
    waiting = loop.run_in_executor(None, int)
    assert type(waiting) is Future
    assert loop.run_until_complete(waiting) == 0
