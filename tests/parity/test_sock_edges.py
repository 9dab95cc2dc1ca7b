"""`sock_recv()` and `sock_recv_into()` of one socket, one after the other: what comes between two of them is received.

tepal does not ask the kernel again after a receive that took all there was, until the kernel reports something.
"""

import asyncio
import random
import socket

import pytest


@pytest.fixture(params=["tcp", "unix"])
def ends(request):
    if request.param == "unix":
        near, far = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            far = socket.create_connection(listener.getsockname())
            near, _ = listener.accept()
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    near.setblocking(False)
    with near, far:
        yield near, far


def receive(loop, sock, size=1000):
    return asyncio.wait_for(loop.sock_recv(sock, size), 5)


async def turns(count=3):
    for _ in range(count):
        await asyncio.sleep(0.001)


async def primed(loop, near, far):
    """One receive that waited, so that the socket is registered, and one that took all there was."""
    waiting = loop.create_task(receive(loop, near))
    await turns()
    far.send(b"first")
    assert await waiting == b"first"


async def test_data_that_came_while_nobody_waited(loop, ends):
    near, far = ends
    await primed(loop, near, far)
    far.send(b"second")
    await turns()
    assert await receive(loop, near) == b"second"
    far.send(b"third")
    assert await receive(loop, near) == b"third"


async def test_data_that_came_in_the_same_turn(loop, ends):
    near, far = ends
    await primed(loop, near, far)
    for number in range(50):
        far.send(b"%d" % number)
        assert await receive(loop, near) == b"%d" % number


async def test_the_end_that_came_with_the_data(loop, ends):
    near, far = ends
    waiting = loop.create_task(receive(loop, near))
    await turns()
    far.send(b"last")
    far.shutdown(socket.SHUT_WR)
    assert await waiting == b"last"
    assert await receive(loop, near) == b""
    assert await receive(loop, near) == b""


async def test_the_end_that_came_while_nobody_waited(loop, ends):
    near, far = ends
    await primed(loop, near, far)
    far.close()
    await turns()
    assert await receive(loop, near) == b""


async def test_the_end_that_comes_while_one_waits(loop, ends):
    near, far = ends
    await primed(loop, near, far)
    waiting = loop.create_task(receive(loop, near))
    await turns()
    far.shutdown(socket.SHUT_WR)
    assert await waiting == b""


async def test_a_shutdown_of_ones_own(loop, ends):
    near, far = ends
    await primed(loop, near, far)
    near.shutdown(socket.SHUT_RD)
    assert await receive(loop, near) == b""


async def test_a_reset(loop, ends):
    near, far = ends
    if near.family == socket.AF_UNIX:
        pytest.skip("a Unix socket is not reset")
    await primed(loop, near, far)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    far.close()
    with pytest.raises(ConnectionResetError):
        await receive(loop, near)


async def test_urgent_data_stops_a_receive_short(loop, ends):
    near, far = ends
    if near.family == socket.AF_UNIX:
        pytest.skip("urgent data is TCP's here")
    await primed(loop, near, far)
    far.send(b"before")
    far.send(b"!", socket.MSG_OOB)
    far.send(b"after")
    await turns()
    assert await receive(loop, near) == b"before"
    assert await receive(loop, near) == b"after"
    far.send(b"more")
    assert await receive(loop, near) == b"more"


async def test_the_program_receives_by_itself_in_between(loop, ends):
    near, far = ends
    await primed(loop, near, far)
    far.send(b"taken by hand")
    await turns()
    assert near.recv(100) == b"taken by hand"
    waiting = loop.create_task(receive(loop, near))
    await turns()
    assert not waiting.done()
    far.send(b"next")
    assert await waiting == b"next"


async def test_a_replaced_select(loop, ends):
    """Turns go through Python then."""
    near, far = ends
    select = loop._selector.select
    loop._selector.select = lambda timeout=None: select(timeout)
    await asyncio.sleep(0)
    for number in range(3):
        await primed(loop, near, far)
        far.send(b"%d" % number)
        await turns()
        assert await receive(loop, near) == b"%d" % number
    far.shutdown(socket.SHUT_WR)
    assert await receive(loop, near) == b""


async def test_bad_arguments_are_told_also_when_there_is_nothing(loop, ends):
    near, far = ends
    await primed(loop, near, far)
    assert await loop.sock_recv(near, 0) == b""
    assert await loop.sock_recv_into(near, bytearray()) == 0
    with pytest.raises(ValueError, match="negative buffersize"):
        await loop.sock_recv(near, -1)
    with pytest.raises(TypeError):
        await loop.sock_recv(near, "1")
    with pytest.raises((TypeError, BufferError)):
        await loop.sock_recv_into(near, b"read only")


async def test_another_socket_under_the_same_number(loop, ends):
    near, far = ends
    await primed(loop, near, far)
    number = near.fileno()
    near.close()
    other, peer = socket.socketpair()
    with peer, other:
        again = other if other.fileno() == number else peer
        writes = peer if again is other else other
        again.setblocking(False)
        writes.send(b"waiting already")
        assert await receive(loop, again) == b"waiting already"


async def test_readers_and_receives_by_turns(loop, ends):
    near, far = ends
    for number in range(5):
        await primed(loop, near, far)
        readable = loop.create_future()

        def arrived(readable=readable):
            loop.remove_reader(near)
            readable.set_result(None)

        loop.add_reader(near, arrived)
        far.send(b"seen")
        await asyncio.wait_for(readable, 5)
        assert await receive(loop, near) == b"seen", number


@pytest.mark.parametrize("seed", range(6))
async def test_every_byte_arrives(loop, ends, seed):
    near, far = ends
    far.setblocking(False)
    chance = random.Random(seed)
    data = chance.randbytes(200_000)

    async def send():
        position = 0
        while position < len(data):
            count = chance.choice([1, 3, 100, 5000, 70_000])
            await loop.sock_sendall(far, data[position : position + count])
            position += count
            if chance.random() < 0.3:
                await asyncio.sleep(chance.choice([0, 0, 0.0005]))
        far.shutdown(socket.SHUT_WR)

    sending = loop.create_task(send())
    received, buffer = bytearray(), bytearray(6000)
    while True:
        if chance.random() < 0.5:
            got = await receive(loop, near, chance.choice([1, 50, 5000, 100_000]))
        else:
            room = memoryview(buffer)[: chance.choice([1, 64, 6000])]
            got = bytes(room[: await asyncio.wait_for(loop.sock_recv_into(near, room), 5)])
        if not got:
            break
        received += got
        if chance.random() < 0.1:
            await asyncio.sleep(0)
    await sending
    assert received == data
