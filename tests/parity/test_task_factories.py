"""Task factories and tasks of other kinds: all of them run on the loop."""

import asyncio
import contextvars
import sys

import pytest
from turns import yield_turns

PYTHON_TASKS = pytest.mark.skipif(
    sys.version_info >= (3, 14),
    reason="since 3.14 a pure-Python task is unknown to the C current_task()",
)


async def give(value):
    await asyncio.sleep(0)
    return value


class SubclassOfC(asyncio.Task):
    """As aiomonitor's ``TracedTask``: a subclass of the C task with state of its own."""

    def __init__(self, *arguments, note="none", **keywords):
        super().__init__(*arguments, **keywords)
        self.note = note


def two_arguments(loop, coro):
    return asyncio.Task(coro, loop=loop)


def with_context(loop, coro, context=None):
    return asyncio.Task(coro, loop=loop, context=context)


def with_keywords(loop, coro, **keywords):
    return asyncio.Task(coro, loop=loop, **keywords)


def python_task(loop, coro, **keywords):
    return asyncio.tasks._PyTask(coro, loop=loop, **keywords)


def subclass_task(loop, coro, **keywords):
    return SubclassOfC(coro, loop=loop, note="traced", **keywords)


MADE = {
    two_arguments: asyncio.Task,
    with_keywords: asyncio.Task,
    python_task: asyncio.tasks._PyTask,
    subclass_task: SubclassOfC,
}
FACTORIES = [
    pytest.param(two_arguments, id="two-arguments"),
    pytest.param(with_keywords, id="keywords"),
    pytest.param(python_task, id="python-task", marks=PYTHON_TASKS),
    pytest.param(subclass_task, id="subclass"),
]


def test_there_is_no_factory_at_first(loop):
    assert loop.get_task_factory() is None
    assert loop._task_factory is None


def test_setting(loop):
    loop.set_task_factory(with_keywords)
    assert loop.get_task_factory() is with_keywords
    assert loop._task_factory is with_keywords
    loop.set_task_factory(None)
    assert loop.get_task_factory() is None


@pytest.mark.parametrize("wrong", [1, "text", object()], ids=["number", "text", "object"])
def test_only_callables_are_factories(loop, wrong):
    with pytest.raises(TypeError, match="^task factory must be a callable or None$"):
        loop.set_task_factory(wrong)


@pytest.mark.parametrize("factory", FACTORIES)
async def test_a_factory_makes_the_tasks(loop, factory):
    loop.set_task_factory(factory)
    task = loop.create_task(give(1))
    assert type(task) is MADE[factory]
    assert await task == 1


@pytest.mark.parametrize("factory", FACTORIES)
async def test_tasks_of_every_kind_do_what_tasks_do(loop, factory):
    loop.set_task_factory(factory)
    assert await loop.create_task(give("value")) == "value"
    assert await asyncio.gather(*(give(number) for number in range(20))) == list(range(20))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(give(number)) for number in range(5)]
    assert [task.result() for task in tasks] == list(range(5))
    assert await asyncio.wait_for(give(3), 60) == 3
    cancelled = loop.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    cancelled.cancel("why")
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    failed = loop.create_task(fail(ValueError("wrong")))
    with pytest.raises(ValueError, match="wrong"):
        await failed


async def fail(error):
    raise error


@pytest.mark.parametrize("factory", FACTORIES)
async def test_they_know_themselves(loop, factory):
    loop.set_task_factory(factory)
    seen = []

    async def body():
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        seen.append(asyncio.current_task() in asyncio.all_tasks())
        async with asyncio.timeout(60):
            await asyncio.sleep(0)

    task = loop.create_task(body())
    await task
    assert seen == [task, task, True]


async def fellow_tasks(loop, library):
    """Every kind of task there is, waiting for one future, and that future."""
    future = loop.create_future()

    async def body(name):
        answer = await future
        assert asyncio.current_task() is tasks[name]
        await asyncio.sleep(0)
        assert asyncio.current_task() is tasks[name]
        return name, answer

    tasks = {
        "native": library.Task(body("native"), loop=loop),
        "C": asyncio.Task(body("C"), loop=loop),
        "subclass": SubclassOfC(body("subclass"), loop=loop),
        "native again": library.Task(body("native again"), loop=loop),
    }
    if sys.version_info < (3, 14):
        tasks["python"] = asyncio.tasks._PyTask(body("python"), loop=loop)
    return future, tasks


async def test_tasks_of_every_kind_side_by_side(loop, library):
    """The current task is right through every change from one kind to another."""
    future, tasks = await fellow_tasks(loop, library)
    await asyncio.sleep(0)
    future.set_result("go")
    for name, task in tasks.items():
        assert await task == (name, "go")


async def test_tasks_of_every_kind_await_each_other(loop, library):
    async def await_all(tasks):
        return [await task for task in tasks]

    natives = [library.Task(give(number), loop=loop) for number in range(3)]
    first = asyncio.Task(await_all(natives), loop=loop)
    second = library.Task(await_all([first]), loop=loop)
    third = SubclassOfC(await_all([second]), loop=loop)
    last = library.Task(await_all([third]), loop=loop)
    assert await last == [[[[0, 1, 2]]]]


async def test_cancelling_through_tasks_of_every_kind(loop, library):
    order = []

    async def wait_for(task, name):
        try:
            await (task or loop.create_future())
        except asyncio.CancelledError:
            order.append(name)
            raise

    inner = library.Task(wait_for(None, "inner"), loop=loop)
    middle = asyncio.Task(wait_for(inner, "middle"), loop=loop)
    outer = library.Task(wait_for(middle, "outer"), loop=loop)
    await yield_turns(3)
    outer.cancel("through")
    with pytest.raises(asyncio.CancelledError, match="through"):
        await outer
    assert order == ["inner", "middle", "outer"]


async def test_order_between_kinds_is_the_order_of_scheduling(loop, library):
    seen = []

    async def body(name):
        for _ in range(3):
            seen.append(name)
            await asyncio.sleep(0)

    kinds = [library.Task, asyncio.Task, SubclassOfC, library.Task, asyncio.Task]
    tasks = [kind(body(number), loop=loop) for number, kind in enumerate(kinds)]
    loop.call_soon(seen.append, "callback")
    await asyncio.gather(*tasks)
    assert seen == [0, 1, 2, 3, 4, "callback", 0, 1, 2, 3, 4, 0, 1, 2, 3, 4]


async def test_a_c_task_in_a_context_given(loop):
    variable = contextvars.ContextVar("variable", default=0)
    context = contextvars.copy_context()

    async def body():
        variable.set(1)
        await asyncio.sleep(0)
        variable.set(variable.get() + 1)
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        await future
        return variable.get()

    assert await asyncio.Task(body(), loop=loop, context=context) == 2
    assert context[variable] == 2


async def test_the_arguments_a_factory_receives(loop):
    received = []

    def factory(loop, coro, **keywords):
        received.append(keywords)
        return asyncio.Task(coro, loop=loop, **keywords)

    loop.set_task_factory(factory)
    context = contextvars.copy_context()
    await loop.create_task(give(1))
    await loop.create_task(give(1), context=context)
    named = loop.create_task(give(1), name="given")
    assert named.get_name() == "given"
    await named
    if sys.version_info >= (3, 14):
        assert received == [{}, {"context": context}, {"name": "given"}]
    else:
        assert received[1]["context"] is context


async def test_a_two_argument_factory_is_given_two_arguments(loop):
    """A peer always passes ``context=`` and breaks such factories."""
    received = []

    def factory(*arguments, **keywords):
        received.append((len(arguments), keywords))
        return two_arguments(*arguments)

    loop.set_task_factory(factory)
    await loop.create_task(give(1))
    assert received == [(2, {})]


async def test_a_factory_may_return_any_future(loop):
    def factory(loop, coro, **keywords):
        coro.close()
        future = loop.create_future()
        future.set_result("replaced")
        future.set_name = lambda name: None
        return future

    loop.set_task_factory(factory)
    assert await loop.create_task(give(1)) == "replaced"


async def test_an_error_in_a_factory_reaches_the_caller(loop):
    def factory(loop, coro, **keywords):
        coro.close()
        raise ZeroDivisionError

    loop.set_task_factory(factory)
    with pytest.raises(ZeroDivisionError):
        loop.create_task(give(1))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager start is new in 3.12")
async def test_c_tasks_started_eagerly(loop):
    """aiohttp makes its tasks this way on 3.12 and 3.13, past the loop."""
    seen = []

    async def body():
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        return "done"

    outer = asyncio.current_task()
    task = asyncio.Task(body(), loop=loop, eager_start=True)
    assert seen == [task]
    assert asyncio.current_task() is outer
    assert await task == "done"
    assert seen == [task, task]


async def test_subclasses_of_the_librarys_task(loop, library):
    class Traced(library.Task):
        def __init__(self, *arguments, note="none", **keywords):
            super().__init__(*arguments, **keywords)
            self.note = note

    loop.set_task_factory(lambda loop, coro, **keywords: Traced(coro, loop=loop, note="mine", **keywords))
    task = loop.create_task(give(1))
    assert type(task) is Traced
    assert task.note == "mine"
    assert await task == 1
    assert isinstance(task, library.Task)
    assert asyncio.isfuture(task)


def test_a_native_task_runs_on_a_foreign_loop(library):
    """It needs nothing of a loop but ``call_soon``."""
    foreign = asyncio.SelectorEventLoop()
    try:
        future = foreign.create_future()

        async def body():
            await asyncio.sleep(0)
            foreign.call_soon(future.set_result, 1)
            return await future, asyncio.current_task()

        task = library.Task(body(), loop=foreign)
        assert foreign.run_until_complete(task) == (1, task)
        foreign.set_task_factory(lambda loop, coro, **keywords: library.Task(coro, loop=loop, **keywords))
        assert foreign.run_until_complete(give(2)) == 2
    finally:
        foreign.close()
