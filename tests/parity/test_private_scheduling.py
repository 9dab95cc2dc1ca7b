"""Subclasses that override what asyncio's scheduling goes through: ``_call_soon`` and ``_add_callback``."""

import asyncio
import os
import sys

from turns import run_turns


async def give(value):
    await asyncio.sleep(0)
    return value


def test_an_overridden_private_call_soon_sees_everything(library, opened):
    """``call_soon`` of asyncio's goes through ``_call_soon``; on 3.14 ``call_soon_threadsafe`` no longer does."""
    calls = []

    class Loop(library.EventLoop):
        def _call_soon(self, callback, args, context):
            calls.append((callback, args, context))
            return super()._call_soon(callback, args, context)

    loop = opened(Loop())
    seen = []
    handle = loop.call_soon(seen.append, 1)
    assert calls == [(seen.append, (1,), None)]
    assert handle._callback == seen.append
    loop.call_soon_threadsafe(seen.append, 2)
    assert len(calls) == (1 if sys.version_info >= (3, 14) else 2)
    before = len(calls)
    assert loop.run_until_complete(give(3)) == 3
    # The first step, the second, and the callback of run_until_complete.
    assert len(calls) - before == 3
    assert seen == [1, 2]


def test_a_private_call_soon_on_the_instance(library, opened):
    calls = []
    loop = opened(library.new_event_loop())
    original = loop._call_soon

    def call_soon(callback, args, context):
        calls.append(callback)
        return original(callback, args, context)

    loop._call_soon = call_soon
    assert loop.run_until_complete(give(1)) == 1
    assert len(calls) == 3
    del loop._call_soon
    assert loop.run_until_complete(give(1)) == 1
    assert len(calls) == 3


def test_an_overridden_add_callback_sees_descriptors(library, opened):
    """Loops that order callbacks put their own ``_add_callback`` in place; ``_process_events`` calls it."""
    calls = []

    class Loop(library.EventLoop):
        def _add_callback(self, handle):
            calls.append(handle)
            super()._add_callback(handle)

    loop = opened(Loop())
    reading, writing = os.pipe()
    try:
        seen = []
        loop.add_reader(reading, seen.append, 1)
        os.write(writing, b"x")
        run_turns(loop, 2)
        assert seen
        assert any(handle._callback == seen.append for handle in calls)
        loop.remove_reader(reading)
        assert loop.run_until_complete(give(2)) == 2
    finally:
        os.close(reading)
        os.close(writing)


def test_add_callback_is_not_told_of_what_call_soon_queues(library, opened):
    calls = []

    class Loop(library.EventLoop):
        def _call_soon(self, callback, args, context):
            return super()._call_soon(callback, args, context)

        def _add_callback(self, handle):
            calls.append(handle)
            super()._add_callback(handle)

    loop = opened(Loop())
    assert loop.run_until_complete(give(1)) == 1
    assert calls == []
