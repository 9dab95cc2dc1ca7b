"""``Task``: results, stepping, what coroutines may yield, names, foreign futures."""

import asyncio
import collections.abc
import gc
import re
import sys
import types
import weakref

import pytest
from turns import run_ready, yield_turns

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


async def give(value):
    return value


async def fail(error):
    raise error


async def forever():
    await asyncio.get_running_loop().create_future()


async def test_the_loop_makes_tasks(loop, library):
    task = loop.create_task(give(1))
    assert type(task) is library.Task
    assert isinstance(task, asyncio.Task)
    assert isinstance(task, asyncio.Future)
    assert isinstance(task, library.Future) or library.is_tepal
    assert asyncio.isfuture(task)
    assert task.get_loop() is loop
    assert await task == 1


async def test_matching_a_task_as_a_pattern(loop):
    task = loop.create_task(give(1))
    match task:
        case asyncio.Task():
            matched = True
        case _:
            matched = False
    assert matched
    await task


@pytest.mark.parametrize("value", [None, 0, "text", (1, 2), StopIteration(2), ValueError()])
def test_results(loop, library, value):
    task = library.Task(give(value), loop=loop)
    assert not task.done()
    run_ready(loop)
    assert task.done()
    assert not task.cancelled()
    assert task.result() is value
    assert task.exception() is None


def test_the_first_step_runs_in_the_next_batch(loop, library):
    seen = []

    async def body():
        seen.append("task")

    task = library.Task(body(), loop=loop)
    seen.append("after")
    loop.call_soon(seen.append, "ready")
    run_ready(loop)
    assert seen == ["after", "task", "ready"]
    assert task.done()


async def test_an_exception(loop, library):
    error = ValueError("wrong")
    task = library.Task(fail(error), loop=loop)
    with pytest.raises(ValueError) as caught:
        await task
    assert caught.value is error
    assert task.exception() is error


async def test_stop_iteration_raised_in_a_coroutine(loop, library):
    """PEP 479: it leaves a coroutine as a RuntimeError."""
    task = library.Task(fail(StopIteration(3)), loop=loop)
    with pytest.raises(RuntimeError, match="coroutine raised StopIteration"):
        await task


async def test_base_exceptions_are_kept(loop, library):
    class Odd(BaseException):
        pass

    for kind in (Odd, GeneratorExit):
        task = library.Task(fail(kind()), loop=loop)
        with pytest.raises(kind):
            await task


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupts_leave_the_loop_and_are_kept(loop, library, kind):
    task = library.Task(fail(kind("now")), loop=loop)
    with pytest.raises(kind, match="now"):
        loop.run_until_complete(task)
    assert task.done()
    assert type(task.exception()) is kind


def test_setting_a_result_is_refused(loop, library):
    task = library.Task(give(1), loop=loop)
    with pytest.raises(RuntimeError, match="^Task does not support set_result operation$"):
        task.set_result(2)
    with pytest.raises(RuntimeError, match="^Task does not support set_exception operation$"):
        task.set_exception(ValueError())
    assert loop.run_until_complete(task) == 1


def test_only_coroutines_are_accepted(loop, library):
    def function():
        pass

    for wrong in (1, None, function, give, iter(())):
        with pytest.raises(TypeError, match="^a coroutine was expected, got "):
            library.Task(wrong, loop=loop)
    with pytest.raises(TypeError, match=r"^a coroutine was expected, got 123$"):
        loop.create_task(123)


def test_a_generator_is_a_coroutine_only_up_to_3_11(loop, library):
    def generator():
        return 4
        yield

    running = generator()
    if sys.version_info >= (3, 12):
        with pytest.raises(TypeError, match="^a coroutine was expected, got <generator "):
            library.Task(running, loop=loop)
    else:
        assert loop.run_until_complete(library.Task(running, loop=loop)) == 4


async def test_a_generator_based_coroutine(loop, library):
    @types.coroutine
    def body():
        yield
        value = yield from asyncio.sleep(0, 2).__await__()
        return value + 1

    async def wrapper():
        return await body()

    assert await library.Task(wrapper(), loop=loop) == 3


class ByHand(collections.abc.Coroutine):
    """A coroutine with ``send`` alone, as compiled code (Cython) has it."""

    def __init__(self, steps):
        self.steps = list(steps)
        self.sent = []

    def send(self, value):
        self.sent.append(value)
        if not self.steps:
            raise StopIteration("done")
        return self.steps.pop(0)

    def throw(self, kind, value=None, trace=None):
        raise kind if isinstance(kind, BaseException) else value or kind()

    def close(self):
        pass

    def __await__(self):
        return self


async def test_a_coroutine_made_by_hand(loop, library):
    body = ByHand([None, None, None])
    assert await library.Task(body, loop=loop) == "done"
    assert body.sent == [None, None, None, None]


async def test_a_custom_awaitable(loop):
    class Awaitable:
        def __await__(self):
            yield
            value = yield from asyncio.sleep(0, 5).__await__()
            return value

    async def body():
        return await Awaitable()

    assert await loop.create_task(body()) == 5
    assert await asyncio.ensure_future(Awaitable()) == 5


async def test_awaiting_the_same_task_twice(loop, library):
    task = library.Task(give([1]), loop=loop)
    assert await task is await task


async def test_awaiting_a_coroutine_twice_is_an_error(loop, library):
    coroutine = give(1)
    await coroutine
    with pytest.raises(RuntimeError, match="^cannot reuse already awaited coroutine$"):
        await coroutine
    task = library.Task(coroutine, loop=loop)
    with pytest.raises(RuntimeError, match="^cannot reuse already awaited coroutine$"):
        await task


async def test_two_tasks_of_one_coroutine(loop, library):
    future = loop.create_future()

    async def body():
        return await future

    coroutine = body()
    first = library.Task(coroutine, loop=loop)
    second = library.Task(coroutine, loop=loop)
    await yield_turns(2)
    future.set_result(3)
    assert await first == 3
    with pytest.raises(RuntimeError, match="^cannot reuse already awaited coroutine$"):
        await second


async def test_names(loop, library):
    task = library.Task(give(1), loop=loop, name="given")
    assert task.get_name() == "given"
    task.set_name("changed")
    assert task.get_name() == "changed"
    task.set_name(123)
    assert task.get_name() == "123"
    other = library.Task(give(1), loop=loop, name=("a", 1))
    assert other.get_name() == "('a', 1)"
    first, second = library.Task(give(1), loop=loop), library.Task(give(1), loop=loop)
    numbers = [int(re.fullmatch(r"Task-(\d+)", made.get_name())[1]) for made in (first, second)]
    assert numbers[0] < numbers[1]
    await asyncio.gather(task, other, first, second)


async def test_a_name_that_cannot_be_text(loop, library, reports):
    class Name:
        def __str__(self):
            raise ZeroDivisionError

    coroutine = give(1)
    with pytest.raises(ZeroDivisionError):
        library.Task(coroutine, loop=loop, name=Name())
    coroutine.close()
    gc.collect()
    reports.take()  # asyncio reports the half-made task as destroyed while pending


async def test_a_task_is_its_own_awaitable_in_another(loop):
    inner = loop.create_task(give(7))

    async def outer():
        return await inner

    assert await loop.create_task(outer()) == 7


def test_long_chains_of_awaiting_tasks(loop, library):
    """Neither waking nor freeing such a chain may recurse on the C stack."""
    count = 20_000 if not loop.get_debug() else 2_000

    async def link(before):
        return (await before) + 1 if before is not None else 0

    def chain():
        task = None
        for _ in range(count):
            task = library.Task(link(task), loop=loop)
        return task

    assert loop.run_until_complete(chain()) == count - 1
    del chain
    gc.collect()


async def test_deep_coroutines(loop):
    async def nested(depth):
        if depth == 0:
            await asyncio.sleep(0)
            return 0
        return await nested(depth - 1) + 1

    assert await loop.create_task(nested(200)) == 200


async def test_asynchronous_generators_and_contexts(loop):
    closed = []

    class Manager:
        async def __aenter__(self):
            await asyncio.sleep(0)
            return self

        async def __aexit__(self, *exception):
            await asyncio.sleep(0)
            closed.append(exception[0])

    async def numbers():
        async with Manager():
            for number in range(3):
                await asyncio.sleep(0)
                yield number

    assert [number async for number in numbers()] == [0, 1, 2]
    assert closed == [None]


async def test_a_finished_task_frees_its_frame(loop, library):
    class Local:
        pass

    references = []

    async def body():
        local = Local()
        references.append(weakref.ref(local))
        await asyncio.sleep(0)

    task = library.Task(body(), loop=loop)
    await task
    gc.collect()
    assert references[0]() is None
    assert asyncio.iscoroutine(task.get_coro())


async def test_weak_references_and_attributes(loop, library):
    task = library.Task(give(1), loop=loop)
    task.__pw_caller_frame__ = 1  # playwright sets attributes of its own
    reference = weakref.ref(task)
    mapping = weakref.WeakKeyDictionary({task: "state"})
    assert mapping[task] == "state"
    await task
    del task
    await yield_turns(2)
    gc.collect()
    assert reference() is None
    assert len(mapping) == 0


def test_class_subscript(loop, library):
    assert "Task[int]" in repr(library.Task[int])
