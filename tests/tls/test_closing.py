"""A connection that is closed ends, whatever its state was."""

from __future__ import annotations

import asyncio

import pytest
from contexts import VERSIONS
from test_engine import Recorder, pair, until
from test_records import Buffered


@pytest.mark.parametrize("library", ["tepal"], indirect=True)  # asyncio waits for resume_reading() for ever
@pytest.mark.parametrize("version", VERSIONS)
async def test_the_other_side_has_ended_while_reading_was_paused(loop, version):
    here, there = await pair(loop, version, protocols=(Recorder, Recorder))
    there.transport.pause_reading()
    here.transport.write(b"never read")
    here.transport.abort()
    await until(lambda: there.transport._ssl_protocol._eof_received)
    assert there.calls == ["made"]
    there.transport.close()
    async with asyncio.timeout(10):
        await asyncio.gather(here.done, there.done)
    assert there.calls == ["made", "eof", ("lost", None)]
    assert there.data == b""


@pytest.mark.parametrize("version", VERSIONS)
async def test_resumed_instead(loop, version):
    """What arrived before is delivered, then the end."""
    here, there = await pair(loop, version, protocols=(Recorder, Recorder))
    there.transport.pause_reading()
    here.transport.write(b"read late")
    here.transport.abort()
    await until(lambda: there.transport._ssl_protocol._eof_received)
    there.transport.resume_reading()
    async with asyncio.timeout(10):
        await asyncio.gather(here.done, there.done)
    assert there.calls == ["made", "eof", ("lost", None)]
    assert there.data == b"read late"


@pytest.mark.parametrize("library", ["tepal"], indirect=True)  # on asyncio what arrived before is lost
@pytest.mark.parametrize("version", VERSIONS)
async def test_resumed_and_paused_again_at_once(loop, version):
    here, there = await pair(loop, version, protocols=(Recorder, Recorder))
    there.transport.pause_reading()
    here.transport.write(b"read late")
    here.transport.abort()
    await until(lambda: there.transport._ssl_protocol._eof_received)
    there.transport.resume_reading()
    there.transport.pause_reading()
    await asyncio.sleep(0.01)
    assert there.calls == ["made"]
    there.transport.resume_reading()
    async with asyncio.timeout(10):
        await asyncio.gather(here.done, there.done)
    assert there.calls == ["made", "eof", ("lost", None)]
    assert there.data == b"read late"


@pytest.mark.parametrize("library", ["tepal"], indirect=True)  # asyncio fills the buffer once, and drops the rest
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", [50_000, 200_000])
async def test_the_other_side_ends_behind_more_than_a_small_buffer_holds(loop, version, size):
    here, there = await pair(loop, version, protocols=(Recorder, Buffered))
    there.transport.pause_reading()
    here.transport.write(b"x" * size)
    here.transport.abort()
    await until(lambda: there.transport._ssl_protocol._eof_received)
    there.transport.resume_reading()
    async with asyncio.timeout(10):
        await here.done
        assert await there.done is None
    assert len(there.got) == size


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_buffered_protocol_fails_at_what_came_before_the_end(loop, reports, version):
    class Failing(Buffered):
        def buffer_updated(self, nbytes):
            super().buffer_updated(nbytes)
            raise ZeroDivisionError("of the protocol")

    here, there = await pair(loop, version, protocols=(Recorder, Failing))
    there.transport.pause_reading()
    here.transport.write(b"x" * 50_000)
    here.transport.abort()
    await until(lambda: there.transport._ssl_protocol._eof_received)
    there.transport.resume_reading()
    async with asyncio.timeout(10):
        await here.done
        assert isinstance(await there.done, ZeroDivisionError)
    assert len(there.got) == 1000
    [report] = reports.take()
    assert "Fatal error on SSL protocol" in str(report)
