"""Tests as a project with pytest-asyncio has them; the conftest.py beside them chooses the loop."""

import asyncio

import pytest
import pytest_asyncio
from subject import describe


@pytest_asyncio.fixture
async def server():
    """A server that sends back what it gets."""

    async def echo(reader, writer):
        writer.write(await reader.read(100))
        await writer.drain()
        writer.close()

    started = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with started:
        yield started.sockets[0].getsockname()[1]


async def test_the_loop(expected):
    assert describe() == expected


async def test_a_server(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server)
    writer.write(b"hello")
    assert await reader.read() == b"hello"
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("number", range(20))
async def test_many(number):
    assert await asyncio.gather(*[asyncio.sleep(0, number) for _ in range(10)]) == [number] * 10


@pytest.mark.asyncio(loop_scope="module")
class TestOneLoop:
    """Tests that share a loop."""

    async def test_first(self):
        type(self).loop = asyncio.get_running_loop()

    async def test_second(self):
        assert asyncio.get_running_loop() is type(self).loop


@pytest.mark.xfail(strict=True)
async def test_that_fails():
    await asyncio.sleep(0)
    raise AssertionError
