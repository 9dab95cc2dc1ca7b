"""What stream reads, ``drain()`` and the loop's ``sock_*`` methods give is a coroutine, as asyncio's is."""

import asyncio
import gc
import socket
import sys
import warnings
from collections.abc import Coroutine

import pytest


@pytest.fixture
def ends():
    near, far = socket.socketpair()
    near.setblocking(False)
    yield near, far
    near.close()
    far.close()


MAKERS = {
    "StreamReader.read": lambda reader, writer, sock: reader.read(5),
    "StreamReader.readexactly": lambda reader, writer, sock: reader.readexactly(5),
    "StreamReader.readline": lambda reader, writer, sock: reader.readline(),
    "StreamReader.readuntil": lambda reader, writer, sock: reader.readuntil(b";"),
    "StreamWriter.drain": lambda reader, writer, sock: writer.drain(),
    "BaseSelectorEventLoop.sock_recv": lambda reader, writer, sock: running().sock_recv(sock, 5),
    "BaseSelectorEventLoop.sock_recv_into": lambda reader, writer, sock: running().sock_recv_into(sock, bytearray(5)),
    "BaseSelectorEventLoop.sock_recvfrom": lambda reader, writer, sock: running().sock_recvfrom(sock, 5),
    "BaseSelectorEventLoop.sock_sendall": lambda reader, writer, sock: running().sock_sendall(sock, b"x"),
}
READS = [name for name in MAKERS if "read" in name or "recv" in name]


def running():
    return asyncio.get_running_loop()


class Made:
    """A coroutine by the name of its function, with what it needs."""

    def __init__(self, name, ends):
        self.name, (self.sock, self.far) = name, ends

    async def __aenter__(self):
        near, self.peer = socket.socketpair()
        near.setblocking(False)
        self.reader, self.writer = await asyncio.open_connection(sock=near)
        return self

    async def __aexit__(self, *_):
        self.writer.close()
        await self.writer.wait_closed()
        self.peer.close()

    def __call__(self):
        return MAKERS[self.name](self.reader, self.writer, self.sock)


def warned_by(action):
    """The warnings that ``action()`` and a collection after it give."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
        gc.collect()
    return [(warning.category, str(warning.message)) for warning in caught]


@pytest.mark.parametrize("name", MAKERS)
async def test_one_that_is_never_awaited_warns(loop, ends, name):
    async with Made(name, ends) as make:
        told = warned_by(make)
        [(category, message)] = told
        assert category is RuntimeWarning
        first, _, rest = message.partition("\n")
        assert first == f"coroutine '{name}' was never awaited"
        if loop.get_debug():
            assert "Coroutine created at (most recent call last)" in rest and __file__ in rest
        else:
            assert rest == ""


@pytest.mark.parametrize("name", MAKERS)
async def test_one_that_is_closed_or_awaited_does_not_warn(loop, ends, name):
    async with Made(name, ends) as make:
        assert warned_by(lambda: make().close()) == []
        make.peer.send(b"abcd;\n")
        make.far.send(b"abcd;")
        await make()
        coroutine = make()

        def thrown_into():
            with pytest.raises(KeyError):
                coroutine.throw(KeyError())

        assert warned_by(thrown_into) == []


@pytest.mark.parametrize("name", MAKERS)
async def test_what_it_looks_like(loop, ends, name):
    async with Made(name, ends) as make:
        coroutine = make()
        assert isinstance(coroutine, Coroutine) and asyncio.iscoroutine(coroutine)
        assert coroutine.__qualname__ == name and coroutine.__name__ == name.rpartition(".")[2]
        assert not coroutine.cr_running
        assert (coroutine.cr_origin is not None) == loop.get_debug()
        with pytest.raises(TypeError, match="can't send non-None value to a just-started coroutine"):
            coroutine.send(1)
        coroutine.close()
        coroutine.close()
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            coroutine.send(None)
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            coroutine.throw(KeyError())
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await coroutine


@pytest.mark.parametrize("name", READS)
async def test_a_task_of_its_own(loop, ends, name):
    async with Made(name, ends) as make:
        task = asyncio.create_task(make())
        await asyncio.sleep(0.001)
        assert f"coro=<{name}()" in repr(task) and "wait_for=<Future pending" in repr(task)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.skipif(sys.version_info < (3, 14), reason="asyncio has call graphs from 3.14 on")
@pytest.mark.parametrize("name", READS)
async def test_the_call_graph_of_a_task_that_reads(loop, ends, name):
    async def awaits():
        await make()

    async with Made(name, ends) as make:
        own, above = asyncio.create_task(make()), asyncio.create_task(awaits())
        if "Stream" in name:
            own.cancel()
        await asyncio.sleep(0.001)
        asyncio.capture_call_graph(own)
        graph = asyncio.capture_call_graph(above)
        assert "awaits" in [entry.frame.f_code.co_name for entry in graph.call_stack]
        assert "awaits" in asyncio.format_call_graph(above)
        for task in (own, above):
            task.cancel()
        await asyncio.wait([own, above])
