"""``asyncio.Handle._run`` replaced by a tool (aiodebug times callbacks so), and Handles of other classes."""

import asyncio
from asyncio import events

import pytest
from turns import run_turns


async def give(value):
    await asyncio.sleep(0)
    return value


@pytest.fixture
def runs(monkeypatch):
    """The callbacks that ran through a replaced ``_run``."""
    original = events.Handle._run
    seen = []

    def instrumented(self):
        seen.append(self._callback)
        return original(self)

    monkeypatch.setattr(asyncio.Handle, "_run", instrumented)
    return seen


def test_every_callback_runs_through_it(loop, runs):
    done = []
    loop.call_soon(done.append, 1)
    loop.call_later(0, done.append, 2)
    loop.call_soon_threadsafe(done.append, 3)
    loop.run_until_complete(asyncio.sleep(0.002))
    assert sorted(done) == [1, 2, 3]
    assert runs.count(done.append) == 3


def test_steps_and_wakes_run_through_it(loop, runs):
    async def main():
        return await loop.create_task(give(1), name="inner")

    assert loop.run_until_complete(main()) == 1
    # main, inner, inner after sleep(0), main's wake-up, and what stops the loop
    assert len(runs) == 5


def test_replaced_while_the_loop_runs(loop, monkeypatch):
    seen = []
    original = events.Handle._run

    def instrumented(self):
        seen.append(self)
        return original(self)

    async def main():
        await asyncio.sleep(0.001)
        monkeypatch.setattr(events.Handle, "_run", instrumented)
        await asyncio.sleep(0.002)
        count = len(seen)
        monkeypatch.undo()
        await asyncio.sleep(0.002)
        return count, len(seen)

    during, after = loop.run_until_complete(main())
    assert during >= 2
    assert after <= during + 1


def test_connections_work_through_it(loop, runs):
    async def echo(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async def main():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"line\n")
            line = await reader.read()
            writer.close()
            await writer.wait_closed()
        return line

    assert loop.run_until_complete(main()) == b"line\n"
    assert runs


def test_what_a_callback_raises_is_reported(loop, runs, reports):
    def fail():
        raise ValueError("why")

    loop.call_soon(fail)
    run_turns(loop, 2)
    assert fail in runs
    assert type(reports.take_one()["exception"]) is ValueError


def test_what_the_replacement_raises_leaves_the_loop(loop, monkeypatch):
    def broken(self):
        raise LookupError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(events.Handle, "_run", broken)
        loop.call_soon(print)
        with pytest.raises(LookupError):
            run_turns(loop, 1)
    run_turns(loop, 1)


@pytest.mark.parametrize("kind", ["Handle", "TimerHandle"])
def test_a_subclass_with_a_run_of_its_own(loop, library, kind):
    seen = []
    base = getattr(library, kind)

    class Handle(base):
        def _run(self):
            seen.append("before")
            super()._run()

    leading = (loop.time(),) if kind == "TimerHandle" else ()
    loop._add_callback(Handle(*leading, seen.append, ("run",), loop))
    run_turns(loop, 1)
    assert seen == ["before", "run"]


def test_a_cancelled_handle_of_asyncios_does_not_run(loop):
    handle = asyncio.Handle(print, (), loop)
    loop._ready.append(handle)
    handle.cancel()
    run_turns(loop, 1)


def test_fields_of_a_waiting_handle_can_be_exchanged(loop):
    """Tracers wrap ``_callback``."""
    seen = []
    handle = loop.call_soon(seen.append, 1)
    timer = loop.call_later(0, seen.append, 2)
    for waiting in (handle, timer):
        original = waiting._callback

        def traced(*arguments, original=original):
            seen.append("traced")
            original(*arguments)

        waiting._callback = traced
        waiting._args = [*waiting._args]
        waiting._context = waiting._context.copy()
    loop.run_until_complete(asyncio.sleep(0.002))
    assert sorted(seen, key=str) == [1, 2, "traced", "traced"]
