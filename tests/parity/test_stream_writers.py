"""``StreamWriter`` of servers and clients: ``write``, ``drain`` with a slow peer, cancelled, replaced, after an end."""

import asyncio
import inspect
import socket

import pytest


async def settle():
    """Let what was sent arrive."""
    for _ in range(5):
        await asyncio.sleep(0.001)


async def served(loop, serve):
    """A server of streams that hands its first connection to ``serve``."""
    done = loop.create_future()

    async def connected(reader, writer):
        try:
            done.set_result(await serve(reader, writer))
        except BaseException as error:
            done.set_exception(error)
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    far = socket.create_connection(server.sockets[0].getsockname())
    return server, far, done


async def test_drain_waits_for_a_slow_peer(loop):
    size = 8_000_000
    steps = []

    async def serve(reader, writer):
        assert isinstance(writer, asyncio.StreamWriter) and asyncio.iscoroutine(drain := writer.drain())
        await drain
        writer.write(b"x" * size)
        waiting = asyncio.ensure_future(writer.drain())
        await settle()
        steps.append(waiting.done())
        await waiting
        steps.append(writer.transport.get_write_buffer_size() <= 65536)
        cancelled = asyncio.ensure_future(writer.drain())
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        with pytest.raises(TypeError):
            writer.write("text")
        with pytest.raises(TypeError):
            writer.write()
        with pytest.raises(TypeError):
            writer.drain(1)
        writer.write(data=b"end")
        return await reader.read(10)

    server, far, done = await served(loop, serve)
    while not steps:
        await asyncio.sleep(0.001)
    received = await loop.run_in_executor(None, receive, far, size + 3)
    assert received == b"x" * size + b"end"
    far.send(b"thanks")
    assert await done == b"thanks"
    assert steps == [False, True]
    far.close()
    server.close()
    await server.wait_closed()


def receive(sock, size):
    """Read ``size`` bytes, in another thread."""
    sock.settimeout(10)
    received = bytearray()
    while len(received) < size:
        received += sock.recv(1 << 20)
    return bytes(received)


async def test_a_cancelled_drain(loop):
    async def serve(reader, writer):
        writer.write(b"x" * 8_000_000)
        waiting = asyncio.ensure_future(writer.drain())
        await settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not writer._protocol._drain_waiters
        writer.transport.abort()

    server, far, done = await served(loop, serve)
    await done
    far.close()
    server.close()
    await server.wait_closed()


async def test_drain_after_the_end(loop):
    async def serve(reader, writer):
        assert await reader.read(10) == b""
        writer.close()
        await writer.wait_closed()
        with pytest.raises(ConnectionResetError, match="Connection lost"):
            await writer.drain()
        return writer.is_closing()

    server, far, done = await served(loop, serve)
    far.close()
    assert await done is True
    server.close()
    await server.wait_closed()


async def test_a_write_replaced_on_the_transport(loop):
    async def serve(reader, writer):
        seen = []
        writer.transport.write = seen.append
        writer.write(b"data")
        return seen

    server, far, done = await served(loop, serve)
    assert await done == [b"data"]
    far.close()
    server.close()
    await server.wait_closed()


async def test_a_callback_that_is_no_coroutine_function(loop):
    seen = []
    server = await asyncio.start_server(lambda reader, writer: seen.append((reader, writer)), "127.0.0.1", 0)
    far = socket.create_connection(server.sockets[0].getsockname())
    while not seen:
        await asyncio.sleep(0.001)
    reader, writer = seen[0]
    far.send(b"data")
    assert await reader.readexactly(4) == b"data"
    writer.close()
    await writer.wait_closed()
    far.close()
    server.close()
    await server.wait_closed()


async def test_a_clients_writer(loop, library):
    """`open_connection()` gives a writer of the same kind as a server has."""
    near, far = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=near)
    assert isinstance(writer, asyncio.StreamWriter) and inspect.iscoroutinefunction(asyncio.open_connection)
    native = type(writer).__module__.startswith("tepal")
    assert native is library.is_tepal
    writer.write(b"one")
    await writer.drain()
    writer.writelines([b"two", b"three"])
    assert far.recv(100) == b"onetwothree"
    assert writer.transport.get_extra_info("socket").fileno() == near.fileno() and writer._reader is reader
    far.close()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_never_waits(loop):
    near, far = socket.socketpair()
    with far:
        _, writer = await asyncio.open_connection(sock=near)
        data = bytes(1 << 22)
        writer.write(data)
        draining = asyncio.create_task(writer.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        far.setblocking(False)
        received = 0
        while received < len(data):
            await asyncio.sleep(0)
            try:
                received += len(far.recv(1 << 20))
            except BlockingIOError:
                continue
        await draining
        writer.close()
        await writer.wait_closed()
        with pytest.raises((ConnectionError, RuntimeError)):
            for _ in range(3):
                writer.write(b"too late")
                await writer.drain()
