"""``sock_sendfile`` and ``sendfile``: parts of files, slow peers, what the kernel refuses, the position afterwards."""

import asyncio
import io
import os
import socket

import pytest
from endpoints import Recorder

DATA = os.urandom(3_000_001)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    with path.open("rb") as opened:
        yield opened


@pytest.fixture
def ends():
    """Two TCP sockets with small buffers, connected and non-blocking."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 30_000)
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 30_000)
    for sock in (near, far):
        sock.setblocking(False)
    yield near, far
    near.close()
    far.close()


async def receive(sock, pause=False):
    received = bytearray()
    while data := await asyncio.get_running_loop().sock_recv(sock, 100_000):
        received += data
        if pause and len(received) < 500_000:
            await asyncio.sleep(0.001)
    return bytes(received)


@pytest.mark.parametrize("pause", [False, True])
@pytest.mark.parametrize(("offset", "count"), [
    (0, None), (10, None), (0, 1000), (1000, 1_000_000), (2_999_000, 5000), (3_000_001, None), (4_000_000, 10),
])  # fmt: skip
async def test_parts(loop, file, ends, offset, count, pause):
    near, far = ends
    receiving = asyncio.create_task(receive(far, pause))
    expected = DATA[offset:] if count is None else DATA[offset : offset + count]
    assert await loop.sock_sendfile(near, file, offset, count) == len(expected)
    if expected:  # else it depends on the version of asyncio
        assert file.tell() == offset + len(expected)
    near.close()
    assert await receiving == expected


async def test_an_empty_file(loop, ends, tmp_path):
    (tmp_path / "empty").touch()
    with (tmp_path / "empty").open("rb") as file:
        assert await loop.sock_sendfile(ends[0], file) == 0


async def test_others_have_their_turn(loop, file, ends):
    near, far = ends
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting, receiving = asyncio.create_task(count()), asyncio.create_task(receive(far))
    await loop.sock_sendfile(near, file)
    near.close()
    assert await receiving == DATA and turns > 10
    counting.cancel()


async def test_what_the_kernel_cannot_send(loop, ends):
    near, far = ends
    receiving = asyncio.create_task(receive(far))
    with pytest.raises(asyncio.SendfileNotAvailableError, match="not a regular file"):
        await loop.sock_sendfile(near, io.BytesIO(DATA), fallback=False)
    assert await loop.sock_sendfile(near, io.BytesIO(DATA), 7) == len(DATA) - 7
    near.close()
    assert await receiving == DATA[7:]


async def test_a_file_that_the_kernel_refuses(loop, ends):
    near, _ = ends
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as file, os.fdopen(writing, "wb"):
        assert await loop.sock_sendfile(near, file, fallback=False) == 0
        with pytest.raises((OSError, asyncio.SendfileNotAvailableError), match=r"Illegal seek|os.sendfile call failed"):
            await loop.sock_sendfile(near, file, 0, 10, fallback=False)


async def test_wrong_arguments(loop, file, ends, tmp_path):
    near, _ = ends
    for arguments in ((-1,), (0, 0), (0, -5)):
        with pytest.raises(ValueError, match="integer"):
            await loop.sock_sendfile(near, file, *arguments)
    for arguments in ((1.5,), (0, "all")):
        with pytest.raises(TypeError, match="integer"):
            await loop.sock_sendfile(near, file, *arguments)
    with (tmp_path / "file").open() as text, pytest.raises(ValueError, match="binary mode"):
        await loop.sock_sendfile(near, text)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams, pytest.raises(ValueError, match="SOCK_STREAM"):
        datagrams.setblocking(False)
        await loop.sock_sendfile(datagrams, file)


async def test_cancelling(loop, file, ends):
    near, far = ends
    file.seek(5)
    sending = asyncio.create_task(loop.sock_sendfile(near, file))
    await asyncio.sleep(0.05)
    assert not sending.done()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert file.tell() == 5
    # Nobody waits for the socket any more, and it can be used again.
    near.shutdown(socket.SHUT_WR)
    received = await receive(far)
    assert 0 < len(received) < len(DATA) and received == DATA[: len(received)]


async def test_a_peer_that_goes_away(loop, file, ends):
    near, far = ends
    sending = asyncio.create_task(loop.sock_sendfile(near, file))
    await asyncio.sleep(0.05)
    far.close()
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(sending, 10)
    assert 0 < file.tell() < len(DATA)


async def test_above_a_transport(loop, file, ends):
    near, far = ends
    protocol = Recorder()
    transport, _ = await loop.create_connection(lambda: protocol, sock=near)
    receiving = asyncio.create_task(receive(far, True))
    transport.write(b"before")
    assert await loop.sendfile(transport, file, 3, 2_000_000) == 2_000_000
    assert file.tell() == 2_000_003
    transport.write(b"after")
    assert await loop.sendfile(transport, file) == len(DATA)
    transport.close()
    assert await receiving == b"before" + DATA[3:2_000_003] + b"after" + DATA
    await asyncio.sleep(0)
    assert protocol.names[-1] == "lost"


async def test_writing_while_a_file_is_sent(loop, file, ends):
    near, far = ends
    transport, _ = await loop.create_connection(Recorder, sock=near)
    sending = asyncio.create_task(loop.sendfile(transport, file))
    await asyncio.sleep(0.02)
    with pytest.raises(RuntimeError, match="sendfile is in progress"):
        transport.write(b"in between")
    received = bytearray()
    while len(received) < len(DATA):
        received += await loop.sock_recv(far, 100_000)
    assert await sending == len(DATA) and received == DATA
    transport.write(b"again")
    assert await loop.sock_recv(far, 100) == b"again"
    far.send(b"back")
    while not transport.get_protocol().data:
        await asyncio.sleep(0.001)
    assert transport.get_protocol().data == b"back" and transport.is_reading()
    transport.close()
    await asyncio.sleep(0)


async def lost(protocol):
    async with asyncio.timeout(10):
        while protocol.names[-1] != "lost":
            await asyncio.sleep(0.001)
    return protocol.calls[-1][1]


@pytest.mark.parametrize("library", ["tepal"], indirect=True)  # asyncio's InvalidStateError leaves the transport open
async def test_closing_after_a_file_that_was_given_up(loop, file, ends):
    """Cancelled while what is written goes out before it."""
    near, far = ends
    transport, protocol = await loop.create_connection(Recorder, sock=near)
    transport.write(DATA)
    sending = asyncio.create_task(loop.sendfile(transport, file))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    transport.close()
    assert await receive(far) == DATA
    assert await lost(protocol) is None


@pytest.mark.parametrize("library", ["tepal"], indirect=True)  # on asyncio an InvalidStateError is reported
async def test_breaking_off_while_a_file_is_sent(loop, file, ends):
    near, far = ends
    transport, protocol = await loop.create_connection(Recorder, sock=near)
    sending = asyncio.create_task(loop.sendfile(transport, file))
    await loop.sock_recv(far, 100)
    transport.abort()
    assert await lost(protocol) is None
    sending.cancel()
    await asyncio.wait([sending])
