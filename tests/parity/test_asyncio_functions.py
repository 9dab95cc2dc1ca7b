"""``create_task``, ``ensure_future``, ``gather`` and ``TaskGroup``, which have a native form on a tepal loop."""

import asyncio
import contextvars
import gc
import inspect
import sys
import weakref

import pytest
from turns import yield_turns

variable = contextvars.ContextVar("variable", default="outside")


async def value(result):
    return result


async def later(result, turns=1):
    await yield_turns(turns)
    return result


async def fail(error, turns=1):
    await yield_turns(turns)
    raise error


async def test_gather_keeps_the_order_of_its_arguments(loop):
    assert await asyncio.gather(later("a", 3), value("b"), later("c")) == ["a", "b", "c"]
    assert await asyncio.gather(value("one")) == ["one"]
    assert await asyncio.gather() == []
    many = await asyncio.gather(*[later(number, number % 5) for number in range(200)])
    assert many == list(range(200))


async def test_gather_of_futures_tasks_and_awaitables(loop, library):
    class Awaitable:
        def __await__(self):
            yield from later("awaitable").__await__()
            return "awaitable"

    future = loop.create_future()
    done = loop.create_future()
    done.set_result("done")
    task = loop.create_task(later("task"))
    loop.call_soon(future.set_result, "future")
    assert await asyncio.gather(future, done, task, value("coroutine")) == ["future", "done", "task", "coroutine"]
    assert await asyncio.gather(Awaitable(), done) == ["awaitable", "done"]


async def test_gather_takes_the_same_awaitable_twice(loop):
    future = loop.create_future()
    coroutine = value("coroutine")
    loop.call_soon(future.set_result, "future")
    assert await asyncio.gather(future, coroutine, future, coroutine) == ["future", "coroutine"] * 2
    several = [loop.create_future() for _ in range(20)]
    for each in several:
        each.set_result("x")
    assert await asyncio.gather(*several, several[7]) == ["x"] * 21


async def test_gather_fails_with_the_first_error(loop):
    slow = loop.create_task(later("slow", 5))
    with pytest.raises(ZeroDivisionError, match="^first$"):
        await asyncio.gather(fail(KeyError("second"), 3), fail(ZeroDivisionError("first"), 1), slow)
    assert not slow.done()
    assert await slow == "slow"


async def test_gather_gives_exceptions_as_results(loop):
    error = ValueError("wrong")
    cancelled = loop.create_task(later(None, 5))
    with_message = loop.create_future()
    await asyncio.sleep(0)
    cancelled.cancel()
    with_message.cancel("why")
    results = await asyncio.gather(value(1), fail(error), cancelled, with_message, return_exceptions=True)
    assert results[:2] == [1, error]
    assert [type(result) for result in results[2:]] == [asyncio.CancelledError] * 2
    assert [result.args for result in results[2:]] == [("",), ("why",)]


async def test_what_gather_gives_is_a_future(loop):
    gathered = asyncio.gather(later(1), later(2))
    assert isinstance(gathered, asyncio.Future) and asyncio.isfuture(gathered)
    assert type(gathered).__name__ == "_GatheringFuture" and gathered.__class__ is asyncio.tasks._GatheringFuture
    assert repr(gathered).startswith("<_GatheringFuture pending")
    assert gathered.get_loop() is loop and not gathered.done()
    assert [child.done() for child in gathered._children] == [False, False] and gathered._cancel_requested is False
    seen = []
    gathered.add_done_callback(seen.append)
    assert await gathered == [1, 2]
    await asyncio.sleep(0)
    assert seen == [gathered] and not gathered.cancel()


async def test_cancelling_what_gather_gives(loop):
    gathered = asyncio.gather(later(1, 9), later(2, 9))
    await asyncio.sleep(0)
    assert gathered.cancel(msg="stop") and gathered._cancel_requested
    assert not gathered.done()
    with pytest.raises(asyncio.CancelledError, match="^stop$"):
        await gathered
    assert all(child.cancelled() for child in gathered._children)
    assert gathered.cancelled() is False


async def test_cancelling_gather_that_returns_exceptions(loop):
    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return "stayed"

    gathered = asyncio.gather(stubborn(), later(1, 9), return_exceptions=True)
    await asyncio.sleep(0)
    assert gathered.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathered


async def test_gather_inside_a_cancelled_task(loop):
    log = []

    async def child(name):
        try:
            await asyncio.sleep(10)
        finally:
            log.append(name)

    async def body():
        await asyncio.gather(child("a"), child("b"))

    task = loop.create_task(body())
    await yield_turns(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["a", "b"]


async def test_errors_after_the_first_are_not_reported(loop, reports):
    with pytest.raises(KeyError):
        await asyncio.gather(fail(KeyError("first"), 1), fail(ValueError("second"), 2))
    await yield_turns(5)
    assert reports.take() == []


async def test_an_error_that_nobody_takes_is_reported(loop, reports):
    gathered = asyncio.gather(fail(KeyError("lost")))
    await yield_turns(5)
    del gathered
    [report] = reports.take()
    assert report["message"] == "_GatheringFuture exception was never retrieved"


async def test_children_run_in_their_own_contexts(loop):
    async def change(name):
        before = variable.get()
        variable.set(name)
        await asyncio.sleep(0)
        return before, variable.get()

    variable.set("parent")
    assert await asyncio.gather(change("a"), change("b")) == [("parent", "a"), ("parent", "b")]
    assert variable.get() == "parent"


async def test_gather_refuses_what_is_no_awaitable(loop):
    with pytest.raises(TypeError):
        asyncio.gather(5)
    with pytest.raises(TypeError):
        asyncio.gather(loop.create_future(), "text")
    with pytest.raises(TypeError, match="unexpected keyword"):
        asyncio.gather(loop.create_future(), loop=loop)


async def test_gather_of_futures_of_two_loops(loop, library):
    other = library.new_event_loop()
    foreign = other.create_future()
    mine = loop.create_future()
    with pytest.raises(ValueError, match="different loop"):
        asyncio.gather(mine, foreign)
    assert not mine.done() and not foreign.done()
    other.close()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in 3.12")
async def test_gather_of_eager_tasks(loop, library):
    loop.set_task_factory(library.eager_task_factory)
    gathered = asyncio.gather(value(1), value(2))
    assert gathered.done() and gathered.result() == [1, 2]
    failed = asyncio.gather(value(1), fail(KeyError("eager"), 0))
    assert failed.done() and type(failed.exception()) is KeyError
    assert await asyncio.gather(value(1), later(2)) == [1, 2]


async def test_another_task_factory_makes_the_children(loop, library):
    made = []

    def factory(event_loop, coroutine, **options):
        task = library.Task(coroutine, loop=event_loop, **options)
        made.append(task)
        return task

    loop.set_task_factory(factory)
    assert await asyncio.gather(value(1), later(2)) == [1, 2]
    task = asyncio.create_task(later(3))
    assert await task == 3 and asyncio.ensure_future(task) is task
    async with asyncio.TaskGroup() as group:
        group.create_task(later(4))
    assert len(made) == 4


async def test_a_replaced_create_task_makes_the_children(loop):
    made = []
    original = loop.create_task

    def create_task(coroutine, **options):
        made.append(coroutine.__name__)
        return original(coroutine, **options)

    loop.create_task = create_task
    try:
        await asyncio.gather(value(1), later(2))
        await asyncio.create_task(value(3))
        await asyncio.ensure_future(value(4))
        async with asyncio.TaskGroup() as group:
            group.create_task(value(5))
    finally:
        del loop.create_task
    assert made == ["value", "later", "value", "value", "value"]


async def test_create_task(loop, library):
    task = asyncio.create_task(later("result"), name="named")
    assert type(task) is library.Task and task.get_name() == "named" and task.get_loop() is loop
    context = contextvars.copy_context()
    context.run(variable.set, "inside")

    async def look():
        return variable.get()

    assert await asyncio.create_task(look(), context=context) == "inside"
    assert await asyncio.create_task(look()) == "outside"
    assert await task == "result"
    for wrong in (5, None, value, loop.create_future()):
        with pytest.raises(TypeError):
            asyncio.create_task(wrong)
    with pytest.raises(TypeError):
        asyncio.create_task()
    coroutine = value(1)
    with pytest.raises(TypeError):
        asyncio.create_task(coroutine, nonsense=1)
    coroutine.close()


def test_without_a_running_loop(loop):
    for function in (asyncio.create_task, asyncio.ensure_future, asyncio.gather):
        coroutine = value(1)
        with pytest.raises(RuntimeError):
            function(coroutine)
        coroutine.close()
    future = loop.create_future()
    assert asyncio.ensure_future(future) is future
    gathered = asyncio.gather(future)
    future.set_result(1)
    assert loop.run_until_complete(gathered) == [1]


def test_signatures(loop):
    assert str(inspect.signature(asyncio.gather)) == "(*coros_or_futures, return_exceptions=False)"
    assert str(inspect.signature(asyncio.ensure_future)) == "(coro_or_future, *, loop=None)"
    assert "coro" in inspect.signature(asyncio.create_task).parameters
    assert list(inspect.signature(asyncio.TaskGroup.create_task).parameters)[:2] == ["self", "coro"]
    assert asyncio.gather.__module__ == "asyncio.tasks" and asyncio.gather is asyncio.tasks.gather
    assert asyncio.gather.__name__ == "gather" and asyncio.gather.__doc__


async def test_ensure_future(loop, library):
    task = asyncio.ensure_future(later(1))
    assert type(task) is library.Task and asyncio.ensure_future(task) is task
    assert await task == 1
    other = library.new_event_loop()
    with pytest.raises(ValueError, match="different loop"):
        asyncio.ensure_future(task, loop=other)
    other.close()
    with pytest.raises(TypeError):
        asyncio.ensure_future(5)


async def test_a_group_makes_tasks(loop, library):
    async with asyncio.TaskGroup() as group:
        first = group.create_task(later("first", 3), name="named")
        second = group.create_task(later("second"))
        assert type(first) is library.Task and first.get_name() == "named"
        assert group._tasks == {first, second}
    assert (first.result(), second.result()) == ("first", "second") and group._tasks == set()
    coroutine = value(1)
    with pytest.raises(RuntimeError, match="is finished"):
        group.create_task(coroutine)
    coroutine.close()
    with pytest.raises(RuntimeError, match="has not been entered"):
        asyncio.TaskGroup().create_task(coroutine)


async def test_a_task_of_a_group_makes_another(loop):
    made = []

    async def parent(group):
        await yield_turns(2)
        made.append(group.create_task(later("child", 3)))

    async with asyncio.TaskGroup() as group:
        group.create_task(parent(group))
    assert [task.result() for task in made] == ["child"]


async def test_a_failure_ends_the_group(loop):
    ended = []

    async def sleep(name):
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            ended.append(name)
            raise

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            group.create_task(sleep("a"))
            group.create_task(fail(KeyError("x"), 2))
            group.create_task(sleep("b"))
    assert [type(error) for error in caught.value.exceptions] == [KeyError] and sorted(ended) == ["a", "b"]
    coroutine = value(1)
    with pytest.raises(RuntimeError):
        group.create_task(coroutine)
    coroutine.close()


async def test_a_group_of_another_class(loop):
    class Counting(asyncio.TaskGroup):
        done = 0

        def _on_task_done(self, task):
            type(self).done += 1
            super()._on_task_done(task)

    async with Counting() as group:
        group.create_task(value(1))
        group.create_task(later(2, 2))
    assert Counting.done == 2


@pytest.mark.skipif(sys.version_info < (3, 14), reason="call graphs are new in 3.14")
async def test_who_awaits_the_children(loop):
    inner = []

    async def look():
        await asyncio.sleep(0)
        inner.append(asyncio.capture_call_graph(asyncio.current_task()))

    gathering = asyncio.current_task()
    await asyncio.gather(look(), look())
    async with asyncio.TaskGroup() as group:
        group.create_task(look())
    assert len(inner) == 3
    for graph in inner:
        assert [awaiter.future for awaiter in graph.awaited_by] == [gathering]


async def test_sleeping_for_a_turn(loop):
    log = []

    async def turns(name):
        for number in range(2):
            assert await asyncio.sleep(0, "result") == "result"
            log.append(f"{name}{number}")

    await asyncio.gather(turns("a"), turns("b"))
    assert log == ["a0", "b0", "a1", "b1"]
    coroutine = asyncio.sleep(-1)
    assert inspect.iscoroutine(coroutine) and inspect.iscoroutinefunction(asyncio.sleep)
    assert coroutine.send(None) is None
    with pytest.raises(StopIteration):
        coroutine.send(None)


async def test_ending_a_sleep_for_a_turn(loop):
    async def sleep():
        try:
            await asyncio.sleep(0)
        except (KeyError, asyncio.CancelledError) as error:
            return type(error).__name__

    coroutine = sleep()
    coroutine.send(None)
    with pytest.raises(StopIteration) as stopped:
        coroutine.throw(KeyError("x"))
    assert stopped.value.value == "KeyError"
    coroutine = sleep()
    coroutine.send(None)
    coroutine.close()
    task = loop.create_task(sleep())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "CancelledError"


async def test_a_group_ends_with_its_last_task(loop):
    async def make(failing):
        group = asyncio.TaskGroup()
        try:
            async with group:
                group.create_task(later(1))
                group.create_task(fail(KeyError("x")) if failing else later(2, 2))
        except ExceptionGroup:
            pass
        return weakref.ref(group)

    for failing in (False, True):
        gone = await make(failing)
        await yield_turns(2)
        gc.collect()
        assert gone() is None


async def test_a_method_that_is_replaced_between_two_tasks(loop, monkeypatch):
    seen = []
    async with asyncio.TaskGroup() as group:
        group.create_task(value(1))
        original = asyncio.TaskGroup._on_task_done
        monkeypatch.setattr(
            asyncio.TaskGroup, "_on_task_done", lambda self, task: (seen.append(task), original(self, task))
        )
        second = group.create_task(value(2))
        group._on_task_done = lambda task: (seen.append(group), original(group, task))
        group.create_task(value(3))
    assert seen == [second, group]
