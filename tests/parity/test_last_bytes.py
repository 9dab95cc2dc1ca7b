"""Many connections that are closed right after their answer: it arrives, whatever else happens to the socket."""

import asyncio
import contextlib
import os
import signal
import socket
import struct

import pytest
from endpoints import Recorder
from turns import run_ready, run_turns, run_until

NUMBER = 32


class Once(Recorder):
    """Does with its transport what a function says."""

    def __init__(self, server):
        super().__init__()
        self.server = server

    def connection_made(self, transport):
        super().connection_made(transport)
        self.server.made(self)

    def data_received(self, data):
        super().data_received(data)
        self.server.answer(self, data)

    def connection_lost(self, exc):
        super().connection_lost(exc)
        self.server.lost(self)


def nothing(protocol):
    """What happens to most."""


def write_and_close(protocol, data):
    protocol.transport.write(data)
    protocol.transport.close()


class Server:
    """A server whose connections are short, and plain sockets at their far ends."""

    def __init__(self, loop):
        self.loop = loop
        self.made = self.lost = nothing
        self.answer = write_and_close
        self.server = loop.run_until_complete(loop.create_server(lambda: Once(self), "127.0.0.1", 0))
        self.protocols = []

    def connections(self, answer=write_and_close):
        """New connections that have asked, in a turn after several in which many were answered."""
        self.answer = lambda protocol, data: protocol.transport.write(data)
        self.protocols = []
        made, self.made = self.made, lambda protocol: (self.protocols.append(protocol), made(protocol))
        far = [socket.create_connection(self.server.sockets[0].getsockname()) for _ in range(NUMBER)]
        run_until(self.loop, lambda: len(self.protocols) == NUMBER)
        self.made = made
        run_turns(self.loop, 2)
        for _ in range(3):
            for sock in far:
                sock.send(b"busy")
            run_until(self.loop, lambda: all(protocol.data for protocol in self.protocols))
            for protocol in self.protocols:
                protocol.data.clear()
            assert [sock.recv(100) for sock in far] == [b"busy"] * NUMBER
        self.answer = answer
        for sock in far:
            sock.send(b"ping")
        return far

    def run_to_the_end(self):
        run_until(self.loop, lambda: all(protocol.names[-1] == "lost" for protocol in self.protocols))

    def close(self):
        self.server.close()
        run_turns(self.loop, 2)


@pytest.fixture
def server(loop):
    """A server of short connections."""
    server = Server(loop)
    yield server
    server.close()


def to_the_end(sock):
    """What arrives at a plain socket, which is closed then."""
    with sock:
        sock.settimeout(5)
        received = bytearray()
        while data := sock.recv(100):
            received += data
        return bytes(received)


def arrived_before_the_end(server, answer=write_and_close):
    """At how many far ends an answer has arrived when all connections are closing and none has ended."""
    far = server.connections(answer)
    run_ready(server.loop)
    assert all(protocol.transport.is_closing() for protocol in server.protocols)
    assert not any(protocol.names[-1] == "lost" for protocol in server.protocols)
    count = sum(map(has_arrived, far))
    server.run_to_the_end()
    assert [to_the_end(sock) for sock in far] == [b"ping"] * NUMBER
    return count


def has_arrived(sock):
    """Whether a plain socket has received something."""
    try:
        return bool(sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return False


def test_answers_and_ends_arrive(server):
    far = server.connections()
    server.run_to_the_end()
    assert [to_the_end(sock) for sock in far] == [b"ping"] * NUMBER
    assert all(protocol.calls[-1] == ("lost", None) for protocol in server.protocols)


def test_an_answer_leaves_with_the_end(server, library):
    # On a machine that is very busy the kernel may lose patience, after 200 milliseconds.
    counts = [arrived_before_the_end(server) for _ in range(3)]
    assert (min(counts) == 0) if library.is_tepal else (counts == [NUMBER] * 3), counts


def test_who_has_asked_for_the_socket_finds_everything_sent(server):
    def answer(protocol, data):
        write_and_close(protocol, data)
        protocol.transport.get_extra_info("socket")

    assert arrived_before_the_end(server, answer) == NUMBER
    server.made = lambda protocol: protocol.transport.get_extra_info("socket")
    assert arrived_before_the_end(server) == NUMBER


def test_short_connections_one_by_one(server, library):
    """Their habit is known after some; an answer that is not followed by the end leaves before the loop sleeps."""

    def one(answer):
        server.answer = answer
        server.made = lambda protocol: server.protocols.append(protocol)
        count = len(server.protocols)
        far = socket.create_connection(server.server.sockets[0].getsockname())
        run_until(server.loop, lambda: len(server.protocols) > count)
        run_turns(server.loop, 2)
        far.send(b"ping")
        run_ready(server.loop)
        assert server.protocols[-1].data == b"ping"
        return far, has_arrived(far)

    seen = []
    for _ in range(8):
        far, early = one(write_and_close)
        seen.append(early)
        server.run_to_the_end()
        assert to_the_end(far) == b"ping"
    assert not all(seen[4:]) if library.is_tepal else all(seen), seen
    far, _ = one(lambda protocol, data: protocol.transport.write(data))
    run_until(server.loop, lambda: has_arrived(far))
    server.protocols[-1].transport.close()
    server.run_to_the_end()
    assert to_the_end(far) == b"ping"
    far, early = one(write_and_close)
    assert early
    server.run_to_the_end()
    assert to_the_end(far) == b"ping"


def test_several_writes_and_the_end(server):
    def answer(protocol, data):
        for byte in data:
            protocol.transport.write(bytes([byte]))
        protocol.transport.close()
        protocol.transport.close()
        protocol.transport.write(b"too late")
        protocol.transport.abort()
        assert protocol.transport.is_closing() and protocol.transport.get_write_buffer_size() == 0

    far = server.connections(answer)
    server.run_to_the_end()
    assert [to_the_end(sock) for sock in far] == [b"ping"] * NUMBER
    assert all(protocol.names.count("lost") == 1 for protocol in server.protocols)


def test_what_is_left_unread_costs_no_answer(server):
    far = server.connections()

    def answer(protocol, data):
        write_and_close(protocol, data)
        # It arrives while the connection is closing, so that the kernel resets it.
        peer = protocol.transport.get_extra_info("peername")
        next(sock for sock in far if sock.getsockname() == peer).send(b"more")

    server.answer = answer
    server.run_to_the_end()
    for sock in far:
        with sock:
            sock.settimeout(5)
            assert sock.recv(100) == b"ping"
            with contextlib.suppress(ConnectionResetError):
                assert sock.recv(100) == b""


@pytest.mark.parametrize("when", ["before", "after close()", "in connection_lost()"])
def test_who_asks_for_the_socket_may_keep_it(server, when):
    kept = []

    def keep(protocol):
        kept.append(protocol.transport.get_extra_info("socket").dup())

    def answer(protocol, data):
        if when == "before":
            keep(protocol)
        write_and_close(protocol, data)
        if when == "after close()":
            keep(protocol)

    if when == "in connection_lost()":
        server.lost = keep
    far = server.connections(answer)
    server.run_to_the_end()
    assert [sock.recv(100) for sock in far] == [b"ping"] * NUMBER
    # The connection is the duplicate's now.
    for near in kept:
        near.send(b"pong")
        near.close()
    assert [to_the_end(sock) for sock in far] == [b"pong"] * NUMBER


@pytest.mark.parametrize("when", ["before", "after close()"])
def test_another_process_may_keep_the_socket(server, when):
    children = []

    def fork():
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)

    def answer(protocol, data):
        if when == "before" and not children:
            fork()
        write_and_close(protocol, data)
        if when == "after close()" and protocol is server.protocols[-1]:
            fork()

    far = server.connections(answer)
    try:
        server.run_to_the_end()
        assert [sock.recv(100) for sock in far] == [b"ping"] * NUMBER
        for sock in far:
            sock.settimeout(0)
            with pytest.raises(BlockingIOError):
                sock.recv(100)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    assert [to_the_end(sock) for sock in far] == [b""] * NUMBER


def test_a_loop_that_stops_before_the_end(server):
    far = server.connections()
    run_ready(server.loop)
    assert not any(protocol.names[-1] == "lost" for protocol in server.protocols)
    # Without another turn, after a moment.
    for sock in far:
        sock.settimeout(5)
        assert sock.recv(100) == b"ping"
    server.run_to_the_end()
    assert [to_the_end(sock) for sock in far] == [b""] * NUMBER


def test_a_peer_that_has_gone(server):
    far = server.connections()
    for sock in far:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def answer(protocol, data):
        write_and_close(protocol, data)
        peer = protocol.transport.get_extra_info("peername")
        next(sock for sock in far if sock.fileno() >= 0 and sock.getsockname() == peer).close()

    server.answer = answer
    server.run_to_the_end()
    assert all(protocol.calls[-1] == ("lost", None) for protocol in server.protocols)
    run_ready(server.loop)


async def test_streams(loop):
    async def serve(reader, writer):
        writer.write(await reader.readexactly(4))
        writer.close()
        await writer.wait_closed()

    async def ask():
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"ping")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    for _ in range(4):
        assert await asyncio.gather(*(ask() for _ in range(NUMBER))) == [b"ping"] * NUMBER
    server.close()
    await server.wait_closed()
