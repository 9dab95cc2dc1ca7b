"""What a coroutine may yield to its task: futures of every kind, nothing, and mistakes."""

import asyncio
import re
import types

import pytest

pytestmark = pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])


@types.coroutine
def yields(value):
    return (yield value)


@pytest.mark.parametrize("value", [1, "text", object, [], (1, 2), ValueError, 0, False], ids=repr)
async def test_yielding_anything_else_is_an_error(loop, library, value):
    async def body():
        await yields(value)

    task = library.Task(body(), loop=loop)
    with pytest.raises(RuntimeError) as caught:
        await task
    assert str(caught.value) == f"Task got bad yield: {value!r}"


async def test_yielding_a_generator_is_an_error(loop, library):
    def generator():
        yield

    async def body():
        await yields(generator())

    task = library.Task(body(), loop=loop)
    with pytest.raises(RuntimeError) as caught:
        await task
    assert re.match(
        r"^yield was used instead of yield from for generator in task <Task pending .*>"
        r" with <generator object .*>$",
        str(caught.value),
    )


async def test_the_error_of_a_bad_yield_can_be_caught(loop, library):
    async def body():
        try:
            await yields(1)
        except RuntimeError:
            return await asyncio.sleep(0, "recovered")

    assert await library.Task(body(), loop=loop) == "recovered"


async def test_yielding_a_future_without_await(loop, library):
    future = loop.create_future()

    async def body():
        await yields(future)

    task = library.Task(body(), loop=loop)
    with pytest.raises(RuntimeError) as caught:
        await task
    assert re.match(
        r"^yield was used instead of yield from in task <Task pending .*> with <Future pending.*>$",
        str(caught.value),
    )
    future.cancel()


async def test_a_task_cannot_await_itself(loop, library):
    async def body():
        await task

    task = library.Task(body(), loop=loop)
    with pytest.raises(RuntimeError, match="^Task cannot await on itself: <Task pending "):
        await task


async def test_a_future_of_another_loop(loop, library):
    other = library.new_event_loop()
    try:
        future = other.create_future()

        async def body():
            await future

        task = library.Task(body(), loop=loop)
        with pytest.raises(RuntimeError) as caught:
            await task
        assert re.match(
            r"^Task <Task pending .*> got Future <Future pending.*> attached to a different loop$",
            str(caught.value),
        )
    finally:
        other.close()


@pytest.mark.parametrize("kind", ["C", "Python", "native"])
async def test_awaiting_every_kind_of_future(loop, library, kind):
    make = {"C": asyncio.Future, "Python": asyncio.futures._PyFuture, "native": library.Future}[kind]
    good, bad, stopped, done = (make(loop=loop) for _ in range(4))
    done.set_result("at once")

    async def body():
        seen = [await done, await good]
        try:
            await bad
        except KeyError as error:
            seen.append(error.args)
        try:
            await stopped
        except asyncio.CancelledError as error:
            seen.append(error.args)
        return seen

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    assert task._fut_waiter is good
    loop.call_soon(good.set_result, 1)
    loop.call_later(0.001, bad.set_exception, KeyError(2))
    loop.call_later(0.002, stopped.cancel, 3)
    assert await task == ["at once", 1, (2,), (3,)]


async def test_a_future_by_protocol_alone(loop, library):
    """Whatever has ``_asyncio_future_blocking`` on its class is a future."""

    class Minimal:
        _asyncio_future_blocking = False

        def __init__(self):
            self.callbacks = []
            self.value = None

        def get_loop(self):
            return loop

        _loop = property(get_loop)

        def add_done_callback(self, callback, *, context=None):
            self.callbacks.append((callback, context))

        def remove_done_callback(self, callback):
            return 0

        def cancel(self, msg=None):
            return False

        def done(self):
            return self.value is not None

        def result(self):
            return self.value

        def finish(self, value):
            self.value = value
            for callback, context in self.callbacks:
                loop.call_soon(callback, self, context=context)

        def __await__(self):
            if self.value is None:
                self._asyncio_future_blocking = True
                yield self
            return self.value

    future = Minimal()

    async def body():
        return await future

    task = library.Task(body(), loop=loop)
    await asyncio.sleep(0)
    assert task._fut_waiter is future
    future.finish(8)
    assert await task == 8
