"""A BufferedProtocol that gives something which cannot be filled: the connection ends as on asyncio."""

import array
import asyncio

import pytest
from contexts import VERSIONS
from test_engine import Recorder, pair


class Giving(Recorder, asyncio.BufferedProtocol):
    """Gives a buffer, and from some time on `wrong`."""

    wrong = None
    asked = 0

    def get_buffer(self, sizehint):
        if self.wrong is None:
            return bytearray(100)
        self.asked += 1
        if self.asked == 10:
            self.transport.abort()  # asked for ever
        return self.wrong[0]

    def buffer_updated(self, nbytes):
        self.calls.append(("updated", nbytes))


async def receive(loop, version, wrong):
    """Let a connection receive a byte when its protocol gives `wrong`; the protocol."""
    here, there = await pair(loop, version, protocols=(Recorder, Giving))
    there.wrong = [wrong]
    here.transport.write(b"x")
    async with asyncio.timeout(10):
        await asyncio.gather(here.done, there.done)
    return there


REFUSED = "read() argument 2 must be read-write bytes-like object, not "
WRONG = {
    "read only": (b"12345", REFUSED + "bytes"),
    "text": ("12345", REFUSED + "str"),
    "not contiguous": (memoryview(bytearray(10))[::2], REFUSED + "memoryview"),
    "nothing": (None, "object of type 'NoneType' has no len()"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_no_buffer(loop, reports, version, kind):
    wrong, text = WRONG[kind]
    there = await receive(loop, version, wrong)
    assert there.calls == ["made", ("lost", ["builtins.TypeError", text])]
    [report] = reports.take()
    assert "Fatal error on SSL protocol" in str(report)


EMPTY = {"bytearray": bytearray(), "view": memoryview(bytearray(5))[:0], "array": array.array("i")}


@pytest.mark.parametrize("kind", EMPTY)
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_buffer_without_room(loop, version, kind):
    """`read()` of no bytes gives none, which is how a close_notify looks: the connection ends, and nobody asks on."""
    there = await receive(loop, version, EMPTY[kind])
    assert there.calls[:2] == ["made", "eof"] and len(there.calls) == 3
    assert there.asked < 4
