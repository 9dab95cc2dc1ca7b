"""Which ``contextvars`` context each kind of callback and task runs in."""

import asyncio
import concurrent.futures
import contextvars
import os
import signal
import sys
import threading

import pytest
from turns import run_turns, yield_turns

variable = contextvars.ContextVar("variable", default="default")


@pytest.fixture(autouse=True)
def unchanged():
    yield
    assert variable.get() == "default"


def context_with(value):
    context = contextvars.copy_context()
    context.run(variable.set, value)
    return context


async def read(turns=1):
    await yield_turns(turns)
    return variable.get()


async def test_a_task_copies_the_context_of_its_creator(loop, library):
    token = variable.set("creator")
    task = library.Task(read(), loop=loop)
    variable.set("changed later")
    assert await task == "creator"
    variable.reset(token)


async def test_a_task_does_not_change_the_context_of_its_creator(loop):
    async def body():
        variable.set("inside")
        await asyncio.sleep(0)
        return variable.get()

    assert await loop.create_task(body()) == "inside"
    assert variable.get() == "default"


async def test_a_coroutine_shares_the_context_of_its_awaiter(loop):
    async def change():
        await asyncio.sleep(0)
        variable.set("changed")

    async def body():
        await change()
        return variable.get()

    assert await loop.create_task(body()) == "changed"


async def test_a_task_in_a_context_given(loop, library):
    context = context_with("given")
    assert await library.Task(read(), loop=loop, context=context) == "given"
    assert await loop.create_task(read(), context=context) == "given"

    async def change():
        variable.set("written")
        await asyncio.sleep(0)

    await loop.create_task(change(), context=context)
    assert context[variable] == "written"


async def test_two_tasks_share_one_context(loop):
    context = context_with(0)

    async def count():
        for _ in range(10):
            variable.set(variable.get() + 1)
            await asyncio.sleep(0)

    await asyncio.gather(loop.create_task(count(), context=context), loop.create_task(count(), context=context))
    assert context[variable] == 20


@pytest.mark.parametrize("kind", ["C", "Python", "native"])
async def test_a_future_wakes_the_task_in_its_own_context(loop, library, kind):
    """The wake-up may already run inside the task's context: it is entered once."""
    make = {"C": asyncio.Future, "Python": asyncio.futures._PyFuture, "native": library.Future}[kind]
    context = context_with("mine")

    async def body():
        seen = []
        for _ in range(3):
            future = make(loop=loop)
            loop.call_soon(future.set_result, None)
            await future
            seen.append(variable.get())
        return seen

    assert await loop.create_task(body(), context=context) == ["mine"] * 3


async def test_gather_and_wait_wake_the_task_in_its_own_context(loop):
    context = context_with("mine")

    async def body():
        await asyncio.gather(read(), read(2), read(3))
        await asyncio.wait([loop.create_task(read())])
        await asyncio.wait_for(read(), 60)
        await asyncio.shield(loop.create_task(read()))
        async with asyncio.TaskGroup() as group:
            group.create_task(read())
        return variable.get()

    assert await loop.create_task(body(), context=context) == "mine"


async def test_a_shared_context_with_tasks_that_wake_each_other(loop):
    context = context_with("shared")
    futures = [loop.create_future() for _ in range(5)]

    async def link(number):
        if number:
            await futures[number - 1]
        futures[number].set_result(None)
        return variable.get()

    tasks = [loop.create_task(link(number), context=context) for number in range(5)]
    assert await asyncio.gather(*tasks) == ["shared"] * 5


async def test_done_callbacks_of_tasks(loop):
    seen = []
    task = loop.create_task(read())
    task.add_done_callback(lambda done: seen.append(variable.get()))
    task.add_done_callback(lambda done: seen.append(variable.get()), context=context_with("given"))
    await task
    await asyncio.sleep(0)
    assert seen == ["default", "given"]


async def test_tokens_are_reset_inside_one_task(loop):
    async def body():
        token = variable.set("set")
        await asyncio.sleep(0)
        variable.reset(token)
        return variable.get()

    assert await loop.create_task(body()) == "default"


async def test_a_token_of_another_context_is_refused(loop):
    tokens = []

    async def setter():
        tokens.append(variable.set("other"))

    await loop.create_task(setter())
    with pytest.raises(ValueError, match="was created in a different Context"):
        variable.reset(tokens[0])


def test_creating_tasks_inside_a_context(loop):
    context = context_with("run inside")
    task = context.run(loop.create_task, read())
    assert loop.run_until_complete(task) == "run inside"


def test_run_until_complete_takes_the_callers_context(loop):
    token = variable.set("caller")
    assert loop.run_until_complete(read()) == "caller"
    variable.reset(token)


def test_callbacks_do_not_share_changes(loop):
    seen = []
    loop.call_soon(variable.set, "first")
    loop.call_soon(lambda: seen.append(variable.get()))
    run_turns(loop, 1)
    assert seen == ["default"]


def test_call_soon_threadsafe(loop):
    seen = []

    def in_thread():
        variable.set("thread")
        loop.call_soon_threadsafe(lambda: seen.append(variable.get()))
        loop.call_soon_threadsafe(lambda: (seen.append(variable.get()), loop.stop()), context=context_with("given"))

    thread = threading.Thread(target=in_thread)
    thread.start()
    loop.run_forever()
    thread.join()
    assert seen == ["thread", "given"]


def test_readers_and_writers_copy_the_context(loop):
    seen = []
    reader, writer = os.pipe()
    try:
        token = variable.set("reader")
        loop.add_reader(reader, lambda: (seen.append(variable.get()), loop.remove_reader(reader)))
        variable.set("writer")
        loop.add_writer(writer, lambda: (seen.append(variable.get()), loop.remove_writer(writer)))
        variable.reset(token)
        os.write(writer, b"x")
        run_turns(loop, 3)
        assert sorted(seen) == ["reader", "writer"]
    finally:
        os.close(reader)
        os.close(writer)


def test_signal_handlers_copy_the_context(loop):
    seen = []
    token = variable.set("registered")
    loop.add_signal_handler(signal.SIGUSR1, lambda: (seen.append(variable.get()), loop.stop()))
    variable.reset(token)
    os.kill(os.getpid(), signal.SIGUSR1)
    loop.run_forever()
    loop.remove_signal_handler(signal.SIGUSR1)
    assert seen == ["registered"]


async def test_threads(loop):
    token = variable.set("caller")
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        assert await loop.run_in_executor(executor, variable.get) == "default"
    assert await asyncio.to_thread(variable.get) == "caller"
    variable.reset(token)


async def test_asynchronous_generators_run_in_the_callers_context(loop):
    async def numbers():
        for number in range(3):
            variable.set(number)
            await asyncio.sleep(0)
            yield variable.get()

    async def body():
        seen = [number async for number in numbers()]
        return seen, variable.get()

    assert await loop.create_task(body()) == ([0, 1, 2], 2)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Task.get_context is new in 3.12")
async def test_get_context(loop, library):
    context = context_with("given")
    task = library.Task(read(), loop=loop, context=context)
    assert task.get_context() is context
    other = library.Task(read(), loop=loop)
    assert isinstance(other.get_context(), contextvars.Context)
    await asyncio.gather(task, other)
    assert task.get_context() is context


def test_the_exception_handler_runs_in_the_context_of_the_callback(loop):
    seen = []
    loop.set_exception_handler(lambda loop, context: seen.append(variable.get()))

    def fail():
        raise ValueError

    loop.call_soon(fail, context=context_with("callback"))
    run_turns(loop, 1)
    assert seen == (["callback"] if sys.version_info >= (3, 12) else ["default"])


def test_the_exception_handler_runs_in_the_context_of_the_task(loop):
    seen = []
    loop.set_exception_handler(lambda loop, context: seen.append(variable.get()))

    async def fail():
        raise ValueError

    task = loop.create_task(fail(), context=context_with("task"))
    run_turns(loop, 2)
    del task
    assert seen == (["task"] if sys.version_info >= (3, 12) else ["default"])


async def test_switching_between_two_contexts_many_times(loop):
    async def keep(value):
        variable.set(value)
        for _ in range(100):
            await asyncio.sleep(0)
            assert variable.get() == value
        return value

    assert await asyncio.gather(*map(keep, range(20))) == list(range(20))


async def test_decimal_contexts_are_kept_apart(loop):
    import decimal

    async def divide(precision):
        with decimal.localcontext() as local:
            local.prec = precision
            await yield_turns(3)
            return decimal.Decimal(1) / 3

    low, high = await asyncio.gather(divide(3), divide(6))
    assert (str(low), str(high)) == ("0.333", "0.333333")


async def test_a_context_that_is_none(loop, library):
    assert await loop.create_task(read(), context=None) == "default"


def test_result_of_a_foreign_future_runs_in_the_context_of_the_task(loop, library):
    seen = []

    class Answer(library.Future):
        def result(self):
            seen.append((variable.get(), asyncio.current_task()))
            return super().result()

    async def main():
        variable.set("task")
        future = Answer(loop=loop)
        loop.call_soon(future.set_result, 3)
        return await future

    assert loop.run_until_complete(main()) == 3
    assert seen[0] == ("task", None)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="contexts of handlers are new in 3.12")
def test_a_step_that_fails_is_reported_in_the_context_of_the_task(loop, library):
    seen = []
    loop.set_exception_handler(lambda loop, context: seen.append((variable.get(), type(context["exception"]))))

    class Broken:
        _asyncio_future_blocking = True

        def __await__(self):
            yield self

    async def wait():
        variable.set("task")
        await Broken()

    task = library.Task(wait(), loop=loop)
    run_turns(loop, 2)
    assert seen == [("task", AttributeError)]
    task.get_coro().close()
    task._log_destroy_pending = False
    asyncio.tasks._unregister_task(task)


def test_the_handle_of_a_step_has_the_context_of_the_task(loop, library):
    """nest_asyncio and others take Handles out of ``_ready`` and run them."""
    seen = []

    async def keep(value):
        variable.set(value)
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append((value, variable.get()))

    tasks = [library.Task(keep(value), loop=loop) for value in "ab"]
    asyncio.events._set_running_loop(loop)
    try:
        while not all(task.done() for task in tasks):
            handle = loop._ready.popleft()
            handle._run()
    finally:
        asyncio.events._set_running_loop(None)
    assert seen == [("a", "a"), ("b", "b")] * 3


def test_tasks_keep_their_contexts_with_a_replaced_handle_run(loop, monkeypatch):
    original = asyncio.Handle._run
    monkeypatch.setattr(asyncio.Handle, "_run", lambda handle: original(handle))

    async def keep(value):
        variable.set(value)
        for _ in range(3):
            await asyncio.sleep(0)
            assert variable.get() == value
        return value

    async def main():
        return await asyncio.gather(*map(keep, range(3)))

    assert loop.run_until_complete(main()) == [0, 1, 2]
