"""``loop.sock_recv()`` and its family: sockets awaited without a transport."""

import asyncio
import collections.abc
import gc
import os
import signal
import socket
import ssl
import sys
import warnings

import pytest


@pytest.fixture
def pair():
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    with near, far:
        yield near, far


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


async def turns(count=3):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_there_is_received_at_once(loop, pair):
    near, far = pair
    far.send(b"hello")
    assert await loop.sock_recv(near, 100) == b"hello"


async def test_waiting_for_data(loop, pair):
    near, far = pair
    task = loop.create_task(loop.sock_recv(near, 100))
    await turns()
    assert not task.done()
    far.send(b"late")
    assert await task == b"late"


@pytest.mark.parametrize("size", [1, 3, 70_000, 1 << 20])
async def test_no_more_than_asked_for(loop, pair, size):
    near, far = pair
    far.send(b"abcde")
    assert await loop.sock_recv(near, size) == b"abcde"[:size]


async def test_the_end_of_the_stream(loop, pair):
    near, far = pair
    task = loop.create_task(loop.sock_recv(near, 100))
    await turns()
    far.close()
    assert await task == b""
    assert await loop.sock_recv(near, 100) == b""


async def test_receiving_nothing(loop, pair):
    assert await loop.sock_recv(pair[0], 0) == b""
    with pytest.raises(ValueError, match="negative buffersize"):
        await loop.sock_recv(pair[0], -1)
    with pytest.raises(TypeError):
        await loop.sock_recv(pair[0], "many")


async def test_receiving_into_a_buffer(loop, pair):
    near, far = pair
    buffer = bytearray(4)
    task = loop.create_task(loop.sock_recv_into(near, buffer))
    await turns()
    far.send(b"abcdef")
    assert await task == 4 and buffer == b"abcd"
    assert await loop.sock_recv_into(near, memoryview(buffer)[1:]) == 2 and buffer == b"aefd"
    with pytest.raises(TypeError, match="read-write bytes-like object"):
        await loop.sock_recv_into(near, b"read only")


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
async def test_sending_more_than_the_kernel_takes(loop, pair, wrap):
    near, far = pair
    data = os.urandom(3_000_000)
    sending = loop.create_task(loop.sock_sendall(near, wrap(data)))
    received = bytearray()
    while len(received) < len(data):
        received += await loop.sock_recv(far, 50_000)
    assert await sending is None
    assert received == data


async def test_sending_nothing_and_nonsense(loop, pair):
    assert await loop.sock_sendall(pair[0], b"") is None
    with pytest.raises(TypeError, match="bytes-like"):
        await loop.sock_sendall(pair[0], "text")


async def test_sending_to_nobody(loop, pair):
    near, far = pair
    far.close()
    with pytest.raises(BrokenPipeError):
        await loop.sock_sendall(near, b"x")


async def test_both_directions_at_once(loop, pair):
    near, far = pair
    data = os.urandom(1_000_000)

    async def receive(sock):
        received = bytearray()
        while len(received) < len(data):
            received += await loop.sock_recv(sock, 65536)
        return bytes(received)

    got = await asyncio.gather(loop.sock_sendall(near, data), receive(near), loop.sock_sendall(far, data), receive(far))
    assert got == [None, data, None, data]


async def test_a_socket_that_is_used_again_and_again(loop, pair):
    near, far = pair
    for number in range(200):
        message = b"%d" % number
        waiting = loop.create_task(loop.sock_recv(near, 100))
        if number % 2:
            await turns(1)
        await loop.sock_sendall(far, message)
        assert await waiting == message


async def test_data_that_comes_while_nobody_waits(loop, pair):
    near, far = pair
    waiting = loop.create_task(loop.sock_recv(near, 100))
    await turns()
    far.send(b"first")
    assert await waiting == b"first"
    far.send(b"second")
    await asyncio.sleep(0.01)  # the loop sees it, and nobody wants it
    assert await loop.sock_recv(near, 3) == b"sec"
    assert await loop.sock_recv(near, 100) == b"ond"


async def test_a_number_that_is_another_socket_now(loop):
    """The new socket gets the old number, and mostly the old object's address too."""
    for _ in range(50):
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            waiting = loop.create_task(loop.sock_recv(near, 10))
            await turns()
            far.send(b"x")
            assert await asyncio.wait_for(waiting, 5) == b"x"


async def test_another_object_for_the_same_descriptor(loop, pair):
    near, far = pair
    waiting = loop.create_task(loop.sock_recv(near, 10))
    await turns()
    far.send(b"x")
    assert await waiting == b"x"
    same = socket.socket(fileno=near.detach())
    with same:
        waiting = loop.create_task(loop.sock_recv(same, 10))
        await turns()
        far.send(b"y")
        assert await asyncio.wait_for(waiting, 5) == b"y"


async def test_readers_and_writers_on_the_same_descriptor(loop, pair):
    near, far = pair
    waiting = loop.create_task(loop.sock_recv(near, 10))
    await turns()
    far.send(b"x")
    assert await waiting == b"x"
    seen = []
    loop.add_reader(near, lambda: seen.append(near.recv(10)))
    far.send(b"y")
    await asyncio.sleep(0.01)
    far.send(b"z")
    await asyncio.sleep(0.01)
    assert seen == [b"y", b"z"]
    assert loop.remove_reader(near)
    waiting = loop.create_task(loop.sock_recv(near, 10))
    await turns()
    far.send(b"w")
    assert await asyncio.wait_for(waiting, 5) == b"w"


async def test_a_writer_beside_a_receive(loop, pair):
    near, far = pair
    written = []
    loop.add_writer(near, written.append, 1)
    waiting = loop.create_task(loop.sock_recv(near, 10))
    await turns()
    far.send(b"x")
    assert await asyncio.wait_for(waiting, 5) == b"x"
    before = len(written)
    await asyncio.sleep(0.01)
    assert len(written) > before + 1 > 1  # still level-triggered
    loop.remove_writer(near)


async def test_cancelling(loop, pair):
    near, far = pair
    waiting = loop.create_task(loop.sock_recv(near, 100))
    await turns()
    waiting.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await waiting
    far.send(b"not lost")
    await asyncio.sleep(0.01)
    assert await loop.sock_recv(near, 100) == b"not lost"


async def test_data_and_a_cancellation_in_one_turn(loop, pair):
    near, far = pair
    waiting = loop.create_task(loop.sock_recv(near, 100))
    await turns()
    far.send(b"kept")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await loop.sock_recv(near, 100) == b"kept"


async def test_a_limit(loop, pair):
    near, far = pair
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(loop.sock_recv(near, 1), 0.01)
    far.send(b"x")
    assert await asyncio.wait_for(loop.sock_recv(near, 1), 5) == b"x"


async def test_accepting(loop, listener):
    waiting = loop.create_task(loop.sock_accept(listener))
    await turns()
    with socket.create_connection(listener.getsockname()) as client:
        connection, address = await waiting
        with connection:
            assert connection.gettimeout() == 0
            assert address == client.getsockname()
    for _ in range(3):
        with socket.create_connection(listener.getsockname()):
            connection, _ = await asyncio.wait_for(loop.sock_accept(listener), 5)
            connection.close()


async def test_connecting(loop, listener):
    with socket.socket() as client:
        client.setblocking(False)
        assert await loop.sock_connect(client, listener.getsockname()) is None
        connection, _ = await loop.sock_accept(listener)
        with connection:
            waiting = loop.create_task(loop.sock_recv(client, 10))
            await loop.sock_sendall(connection, b"hi")
            assert await waiting == b"hi"


async def test_datagrams(loop):
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        for sock in (one, other):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        waiting = loop.create_task(loop.sock_recvfrom(other, 100))
        await turns()
        assert await loop.sock_sendto(one, b"ping", other.getsockname()) == 4
        assert await waiting == (b"ping", one.getsockname())
        buffer = bytearray(10)
        for count in ((), (0,), (None,), (10,)):
            waiting = loop.create_task(loop.sock_recvfrom_into(other, buffer, *count))
            await turns()
            await loop.sock_sendto(one, b"pong", other.getsockname())
            assert await waiting == (4, one.getsockname()) and buffer[:4] == b"pong"
        await loop.sock_sendto(one, b"", other.getsockname())
        assert await loop.sock_recv(other, 100) == b""


async def test_a_closed_socket(loop):
    near, far = socket.socketpair()
    near.close()
    far.close()
    for operation in (loop.sock_recv(near, 1), loop.sock_sendall(near, b"x"), loop.sock_recv_into(near, bytearray(1))):
        with pytest.raises(OSError):
            await operation


async def test_blocking_sockets_are_refused_in_debug_mode(loop, pair):
    near, _ = pair
    near.setblocking(True)
    loop.set_debug(True)
    for operation in (loop.sock_recv(near, 1), loop.sock_sendall(near, b"x"), loop.sock_accept(near)):
        with pytest.raises(ValueError, match="the socket must be non-blocking"):
            await operation


async def test_tls_sockets_are_refused(loop, pair):
    near, _ = pair
    context = ssl.create_default_context()
    context.check_hostname = False
    with context.wrap_socket(near, do_handshake_on_connect=False) as tls:
        with pytest.raises(TypeError, match="SSLSocket"):
            await loop.sock_recv(tls, 1)


class Counting(socket.socket):
    """A socket whose methods are its own."""

    calls = 0

    def recv(self, size):
        self.calls += 1
        return super().recv(size)

    def send(self, data):
        self.calls += 1
        return super().send(data[:2])


async def test_a_subclass_keeps_its_methods(loop, pair):
    near, far = pair
    own = Counting(fileno=near.detach())
    with own:
        waiting = loop.create_task(loop.sock_recv(own, 10))
        await turns()
        far.send(b"x")
        assert await waiting == b"x"
        await loop.sock_sendall(own, b"abcde")
        assert await loop.sock_recv(far, 10) == b"abcde"
        assert own.calls >= 4


async def test_a_transports_socket_is_refused(loop, listener):
    loop_side = asyncio.Protocol()
    with socket.create_connection(listener.getsockname()) as client:
        connection, _ = await loop.sock_accept(listener)
        transport, _ = await loop.create_connection(lambda: loop_side, sock=connection)
        with pytest.raises(RuntimeError, match="is used by transport"):
            await loop.sock_recv(transport.get_extra_info("socket")._sock, 10)
        assert client.fileno() > 0
        transport.close()
        await turns()


async def test_they_are_coroutines(loop, pair):
    near, far = pair
    operation = loop.sock_recv(near, 10)
    assert asyncio.iscoroutine(operation) and isinstance(operation, collections.abc.Coroutine)
    far.send(b"x")
    assert await loop.create_task(operation) == b"x"
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await operation
    closed = loop.sock_recv(near, 10)
    closed.close()
    with pytest.raises(RuntimeError):
        await closed
    thrown = loop.sock_recv(near, 10)
    with pytest.raises(ZeroDivisionError):
        thrown.throw(ZeroDivisionError("by hand"))


def test_one_that_was_never_awaited(loop, pair):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        loop.sock_recv(pair[0], 10)
        gc.collect()
    assert next(str(one.message) for one in seen if one.category is RuntimeWarning).endswith(
        "sock_recv' was never awaited"
    )


async def test_a_waiting_task_that_is_dropped(loop, library):
    """Nothing may be left that watches, or the pair's numbers would be watched for their next owners."""
    near, far = socket.socketpair()
    near.setblocking(False)
    waiting = loop.create_task(loop.sock_recv(near, 10))
    await turns()
    waiting.cancel()
    await turns()
    near.close()
    far.close()
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.send(b"mine")
        await asyncio.sleep(0.01)
        assert near.recv(10) == b"mine"


def test_a_loop_that_is_closed_meanwhile(library, pair):
    loop = library.new_event_loop()
    waiting = loop.create_task(loop.sock_recv(pair[0], 10))
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    waiting.cancel()
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert waiting.cancelled()


@pytest.mark.skipif(sys.platform != "linux", reason="fork")
def test_a_forked_child_goes_on_waiting(library, pair):
    if not library.is_tepal:
        pytest.skip("asyncio's child shares the parent's epoll")
    near, far = pair
    loop = library.new_event_loop()

    async def main():
        waiting = loop.create_task(loop.sock_recv(near, 10))
        await turns()
        far.send(b"x")
        assert await waiting == b"x"
        waiting = loop.create_task(loop.sock_recv(near, 10))
        await turns()
        child = os.fork()
        if child == 0:
            status = 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # pytest's own handler would go on with the tests
            signal.alarm(5)
            try:
                asyncio._set_running_loop(loop)  # since 3.14 a child has none
                far.send(b"c")
                status = 0 if await waiting == b"c" else 2
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        far.send(b"p")
        assert await asyncio.wait_for(waiting, 5) == b"p"
        return status

    try:
        assert loop.run_until_complete(main()) == 0
    finally:
        loop.close()
