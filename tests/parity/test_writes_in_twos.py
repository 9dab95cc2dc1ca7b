"""Writes one after the other within one callback: the peer gets all of them, in order, whatever happens in between."""

import asyncio
import socket

import pytest


class Answerer(asyncio.Protocol):
    """Answers each byte with head and body, then does what the test wants."""

    def __init__(self, between=None, after=None, body=b"body"):
        self.between, self.after, self.body = between, after, body
        self.events = []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        for byte in data:
            last = byte == ord("!")
            self.transport.write(b"head,")
            if last and self.between:
                self.between(self)
            self.transport.write(self.body)
            if last and self.after:
                self.after(self)

    def pause_writing(self):
        self.events.append("pause")

    def resume_writing(self):
        self.events.append("resume")

    def connection_lost(self, exc):
        self.events.append(("lost", exc))


async def connect(loop, protocol):
    near, far = socket.socketpair()
    near.setblocking(False)
    far.settimeout(0)
    await loop.create_connection(lambda: protocol, sock=near)
    return far


async def receive(sock, size):
    received = b""
    while len(received) < size:
        try:
            piece = sock.recv(1 << 20)
        except BlockingIOError:
            await asyncio.sleep(0.001)
            continue
        if not piece:
            break
        received += piece
    return received


async def learnt(loop, protocol):
    """A connection that has been answered twice already."""
    far = await connect(loop, protocol)
    expected = 2 * (5 + len(protocol.body))
    for _ in range(2):
        far.send(b".")
        await asyncio.sleep(0.002)
    assert len(await receive(far, expected)) == expected
    return far


async def finish(protocol, far):
    protocol.transport.close()
    while not protocol.events or protocol.events[-1][0] != "lost":
        await asyncio.sleep(0.001)
    far.close()


@pytest.mark.parametrize("body", [b"body", bytearray(b"body"), b"", b"x" * 16_000, b"x" * 40_000], ids=repr)
async def test_heads_and_bodies(loop, body):
    protocol = Answerer(body=body[:])
    far = await connect(loop, protocol)
    for count in (1, 1, 3, 1):
        far.send(b"." * count)
        expected = (b"head," + body) * count
        assert await receive(far, len(expected)) == expected
    await finish(protocol, far)


def sees_nothing_waiting(protocol):
    assert protocol.transport.get_write_buffer_size() == 0
    assert not protocol.transport._buffer


LOOKS = {
    "size": sees_nothing_waiting,
    "info": lambda protocol: protocol.transport.get_extra_info("socket"),
    "lines": lambda protocol: protocol.transport.writelines([b"mid", b"dle,"]),
    "repr": lambda protocol: repr(protocol.transport),
    "limits": lambda protocol: protocol.transport.set_write_buffer_limits(10),
    "reading": lambda protocol: (protocol.transport.pause_reading(), protocol.transport.resume_reading()),
}


@pytest.mark.parametrize("look", LOOKS)
async def test_another_call_in_between(loop, look):
    protocol = Answerer(between=LOOKS[look], after=LOOKS[look])
    far = await learnt(loop, protocol)
    far.send(b"!")
    lines = b"middle," if look == "lines" else b""
    expected = b"head," + lines + b"body" + lines
    assert await receive(far, len(expected)) == expected
    await finish(protocol, far)
    assert protocol.events == [("lost", None)]


async def test_the_socket_itself_in_between(loop):
    """What the program sends by the socket stands where the program has sent it."""
    protocol = Answerer(between=lambda this: this.transport._sock.send(b"by hand,"))
    far = await learnt(loop, protocol)
    far.send(b"!")
    assert await receive(far, 17) == b"head,by hand,body"
    await finish(protocol, far)


@pytest.mark.parametrize("end", ["close", "write_eof", "abort"])
async def test_an_end_at_once(loop, end):
    protocol = Answerer(after=lambda this: getattr(this.transport, end)())
    far = await learnt(loop, protocol)
    far.send(b"!")
    assert await receive(far, 100) == b"head,body"
    if end == "write_eof":
        with pytest.raises(RuntimeError):
            protocol.transport.write(b"more")
    await finish(protocol, far)
    assert protocol.events == [("lost", None)]


async def test_a_peer_that_does_not_read(loop):
    protocol = Answerer(body=b"x" * 5000)
    far = await learnt(loop, protocol)
    protocol.transport._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    far.send(b"." * 40)
    await asyncio.sleep(0.01)
    assert protocol.events == ["pause"]
    assert protocol.transport.get_write_buffer_size() > 65536
    assert await receive(far, 40 * 5005) == (b"head," + b"x" * 5000) * 40
    await asyncio.sleep(0.01)
    assert protocol.events == ["pause", "resume"]
    far.send(b".")
    assert await receive(far, 5005) == b"head," + b"x" * 5000
    await finish(protocol, far)


async def test_a_peer_that_is_gone(loop):
    protocol = Answerer()
    far = await learnt(loop, protocol)
    far.send(b"!")
    far.close()
    while not protocol.events:
        await asyncio.sleep(0.001)
    ((name, error),) = protocol.events
    assert name == "lost" and isinstance(error, BrokenPipeError | ConnectionResetError)
    protocol.transport.write(b"ignored")


def test_what_was_written_goes_out_when_the_program_exits(loop):
    def leave(this):
        raise SystemExit(5)

    async def run():
        sockets.append(await learnt(loop, protocol))
        sockets[0].send(b"!")
        await asyncio.sleep(10)

    sockets = []
    protocol = Answerer(after=leave)
    with pytest.raises(SystemExit):
        loop.run_until_complete(run())
    assert sockets[0].recv(100) == b"head,body"
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(finish(protocol, sockets[0]))


async def test_tasks_that_write_in_turn(loop):
    """Two Tasks, each twice in each of its steps, on one transport."""
    protocol = Answerer()
    far = await learnt(loop, protocol)

    async def write(name):
        for number in range(20):
            protocol.transport.write(b"%s%02d" % (name, number))
            protocol.transport.write(b",")
            await asyncio.sleep(0)

    await asyncio.gather(write(b"a"), write(b"b"))
    expected = b"".join(b"a%02d,b%02d," % (number, number) for number in range(20))
    assert await receive(far, len(expected)) == expected
    await finish(protocol, far)


async def test_drain_sends(loop):
    far = []

    async def serve(reader, writer):
        while data := await reader.read(1):
            for part in (b"one,", b"two,", b"three,"):
                writer.write(part)
                writer.write(data)
                await writer.drain()
                seen.append(await receive(far[0], len(part) + 1))
        writer.close()

    seen = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    far.append(socket.create_connection(server.sockets[0].getsockname()))
    far[0].settimeout(0)
    for _ in range(3):
        far[0].send(b".")
        await asyncio.sleep(0.02)
    far[0].shutdown(socket.SHUT_WR)
    while len(seen) < 9:
        await asyncio.sleep(0.001)
    assert seen == [b"one,.", b"two,.", b"three,."] * 3
    await asyncio.sleep(0.01)
    far[0].close()
    server.close()
    await server.wait_closed()


async def test_writes_of_resume_writing(loop):
    """Once all is sent, nobody waits for the socket any more, also where ``resume_writing()`` has written in twos."""

    class Resumer(Answerer):
        def resume_writing(self):
            super().resume_writing()
            self.transport.write(b"in,")
            self.transport.write(b"twos")

    protocol = Resumer()
    far = await learnt(loop, protocol)
    for _ in range(3):
        protocol.transport.write(b"x" * 400_000)
        await asyncio.sleep(0.002)
        received = await receive(far, 400_007)
        assert received == b"x" * 400_000 + b"in,twos"
        await asyncio.sleep(0.002)
        assert "write=<idle, bufsize=0>" in repr(protocol.transport)
    assert protocol.events == ["pause", "resume"] * 3
    protocol.transport.abort()
    while protocol.events[-1][0] != "lost":
        await asyncio.sleep(0.001)
    far.close()


async def test_lines_behind_a_write_that_finds_the_peer_gone(loop):
    """What is written to a lost connection is ignored, and nobody waits until it may be sent."""
    protocol = Answerer(between=lambda this: this.transport.writelines([b"x" * 500_000, b"more"]))
    far = await learnt(loop, protocol)
    far.send(b"!")
    far.close()
    while not protocol.events:
        await asyncio.sleep(0.001)
    assert protocol.events[0][0] == "lost"
    assert protocol.transport.get_write_buffer_size() == 0
