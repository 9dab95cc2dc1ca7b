"""Asynchronous generators: hooks, finalizing in the loop, ``shutdown_asyncgens``."""

import asyncio
import gc
import sys

import pytest
from turns import run_turns


def make(closed, name="generator"):
    async def numbers():
        try:
            while True:
                await asyncio.sleep(0)
                yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(name)

    return numbers()


async def test_an_open_generator_is_known(loop):
    closed = []
    generator = make(closed)
    await generator.__anext__()
    assert list(loop._asyncgens) == [generator]
    await generator.aclose()
    assert closed == ["generator"]


def test_a_forgotten_generator_is_closed_by_the_loop(loop):
    closed = []

    async def main():
        await make(closed).__anext__()
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)

    loop.run_until_complete(main())
    assert closed == ["generator"]


def test_shutting_down_closes_what_is_open(loop):
    closed = []
    generators = [make(closed, number) for number in range(5)]

    async def main():
        for generator in generators:
            await generator.__anext__()

    loop.run_until_complete(main())
    assert closed == []
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert sorted(closed) == [0, 1, 2, 3, 4]
    assert loop._asyncgens_shutdown_called is True


def test_shutting_down_without_generators(loop):
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert loop._asyncgens_shutdown_called is True


def test_an_error_while_closing_is_reported(loop, reports):
    async def numbers():
        try:
            yield 1
        finally:
            raise ValueError("while closing")

    generator = numbers()

    async def main():
        await generator.__anext__()

    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_asyncgens())
    context = reports.take_one()
    assert context["message"] == (f"an error occurred during closing of asynchronous generator {generator!r}")
    assert context["asyncgen"] is generator
    assert str(context["exception"]) == "while closing"


@pytest.mark.filterwarnings("ignore:.*was never awaited")
def test_a_generator_begun_after_the_shutdown_warns(loop):
    closed = []

    async def main():
        await loop.shutdown_asyncgens()
        generator = make(closed)
        with pytest.warns(
            ResourceWarning,
            match=r"asynchronous generator .* was scheduled after loop\.shutdown_asyncgens\(\) call",
        ):
            await generator.__anext__()
        await generator.aclose()

    loop.run_until_complete(main())
    assert closed == ["generator"]


def test_hooks_are_set_while_the_loop_runs_only(loop):
    seen = []

    async def main():
        seen.append(sys.get_asyncgen_hooks())

    before = sys.get_asyncgen_hooks()
    loop.run_until_complete(main())
    assert sys.get_asyncgen_hooks() == before
    assert seen[0].firstiter == loop._asyncgen_firstiter_hook
    assert seen[0].finalizer == loop._asyncgen_finalizer_hook


def test_hooks_are_put_back_after_an_error(loop):
    def fail():
        raise KeyboardInterrupt

    before = sys.get_asyncgen_hooks()
    loop.call_soon(fail)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    assert sys.get_asyncgen_hooks() == before


def test_outer_hooks_are_kept(loop):
    def first(generator):
        pass

    before = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=first)
    try:
        run_turns(loop, 1)
        assert sys.get_asyncgen_hooks().firstiter is first
    finally:
        sys.set_asyncgen_hooks(*before)


def test_overridden_hooks_are_used(library):
    """trio-asyncio and others override the hook in a subclass."""
    seen = []

    class Loop(library.EventLoop):
        def _asyncgen_firstiter_hook(self, generator):
            seen.append(generator)
            super()._asyncgen_firstiter_hook(generator)

    async def numbers():
        yield 1

    async def main():
        return [number async for number in numbers()]

    loop = Loop()
    assert loop.run_until_complete(main()) == [1]
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert len(seen) == 1


def test_a_generator_forgotten_in_another_thread(loop):
    """The finalizer runs in whichever thread drops it, and must reach the loop."""
    import threading

    closed = []
    holder = []

    async def main():
        generator = make(closed)
        await generator.__anext__()
        holder.append(generator)
        del generator
        thread = threading.Thread(target=holder.clear)
        thread.start()
        while not closed:
            await asyncio.sleep(0.001)
        thread.join()

    loop.run_until_complete(asyncio.wait_for(main(), 5))
    assert closed == ["generator"]


async def test_generators_are_closed_in_their_tasks(loop):
    closed = []

    async def body():
        generator = make(closed)
        async for _ in generator:
            break
        await generator.aclose()

    await asyncio.gather(*(body() for _ in range(10)))
    assert len(closed) == 10


async def test_throwing_into_a_generator(loop):
    async def numbers():
        try:
            yield 1
        except ValueError:
            await asyncio.sleep(0)
            yield "caught"

    generator = numbers()
    assert await generator.__anext__() == 1
    assert await generator.athrow(ValueError()) == "caught"
    with pytest.raises(StopAsyncIteration):
        await generator.__anext__()


async def test_cancelling_inside_a_generator(loop):
    closed = []

    async def body():
        async for _ in make(closed):
            await loop.create_future()

    task = loop.create_task(body())
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)
    assert closed == ["generator"]
