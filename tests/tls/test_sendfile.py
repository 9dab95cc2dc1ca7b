"""``loop.sendfile()`` above TLS: the bytes, the position of the file and the errors are asyncio's."""

from __future__ import annotations

import asyncio
import io
import os
from types import SimpleNamespace

import pytest
from contexts import VERSIONS
from test_engine import Recorder, end, pair, until

from tepal import tls

SIZE = 1_000_003
CONTENT = os.urandom(SIZE)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    return tmp_path / "file"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("buffering", [0, -1], ids=["raw", "buffered"])
async def test_a_file_is_sent(loop, path, version, buffering):
    here, there = await pair(loop, version, protocols=(Recorder, Recorder))
    with path.open("rb", buffering=buffering) as file:
        there.transport.write(b"before")
        there.transport.pause_reading()
        assert await loop.sendfile(there.transport, file) == SIZE
        assert file.tell() == SIZE
        assert await loop.sendfile(there.transport, file, 100, 70_000) == 70_000
        assert file.tell() == 70_100
        assert await loop.sendfile(there.transport, file, SIZE - 5, 100) == 5
        assert await loop.sendfile(there.transport, file, SIZE + 5) == 0
    assert not there.transport.is_reading()
    there.transport.write(b"after")
    expected = b"before" + CONTENT + CONTENT[100:70_100] + CONTENT[-5:] + b"after"
    await until(lambda: len(here.data) == len(expected))
    assert here.data == expected
    assert there.transport.get_protocol() is there
    there.transport.resume_reading()
    await end(here, there)


async def test_what_is_no_plain_file(loop):
    here, there = await pair(loop, protocols=(Recorder, Recorder))
    assert await loop.sendfile(there.transport, io.BytesIO(CONTENT), 7) == SIZE - 7
    await until(lambda: len(here.data) == SIZE - 7)
    assert here.data == CONTENT[7:]
    await end(here, there)


async def test_the_native_way_is_refused(loop, path):
    here, there = await pair(loop, protocols=(Recorder, Recorder))
    with path.open("rb") as file:
        with pytest.raises(RuntimeError, match="fallback is disabled and native sendfile is not supported"):
            await loop.sendfile(there.transport, file, fallback=False)
        await end(here, there)
        with pytest.raises(RuntimeError, match="Transport is closing"):
            await loop.sendfile(there.transport, file)


async def test_a_peer_that_goes_away(loop, path):
    """While the file waits for a peer that does not read, and then breaks off."""
    here, there = await pair(loop, protocols=(Recorder, Recorder))
    here.transport.pause_reading()
    with path.open("rb") as file:

        async def send_for_ever():
            while True:
                file.seek(0)  # before 3.15, offset 0 means where the file stands
                await loop.sendfile(there.transport, file, 0)

        sending = asyncio.ensure_future(send_for_ever())
        await until(lambda: there.transport.get_write_buffer_size() > 0)
        here.transport.abort()
        with pytest.raises((ConnectionError, RuntimeError)):
            await sending
    await asyncio.gather(here.done, there.done)


async def test_others_have_their_turns(loop, path):
    """A large file to a peer that keeps up does not stop the loop."""
    here, there = await pair(loop, protocols=(Recorder, Recorder))
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.ensure_future(count())
    with path.open("rb") as file:
        assert await loop.sendfile(there.transport, file) == SIZE
    counting.cancel()
    assert turns >= 4
    await until(lambda: len(here.data) == SIZE)
    await end(here, there)


async def test_an_end_that_comes_when_sendfile_has_ended(loop):
    """A write has found the connection reset while writing was paused: asyncio raised InvalidStateError."""
    told = []

    class Transport(asyncio.transports._FlowControlMixin):
        """What takes the place of the program's protocol, and gives it back."""

        protocol = SimpleNamespace(connection_lost=told.append)

        def get_protocol(self):
            return self.protocol

        def set_protocol(self, protocol):
            self.protocol = protocol

        def is_reading(self):
            return False

        def pause_reading(self):
            pass

    transport = Transport(loop=loop)
    sending = tls._SendfileProtocol(transport)
    sending.pause_writing()
    await sending.restore()
    error = ConnectionResetError()
    sending.connection_lost(error)
    assert told == [error]
    assert transport.protocol is not sending
