"""Damaged ciphertext ends a connection as it does on asyncio: with the same exception and the same text."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl

import pytest
from certificates import made
from contexts import VERSIONS, client_context, server_context
from library import load
from server_process import described


class Recorder(asyncio.Protocol):
    def __init__(self):
        self.data = bytearray()
        self.ends = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data

    def eof_received(self):
        self.ends.append("eof")

    def connection_lost(self, exc):
        self.ends.append(described(exc))
        self.done.set_result(None)


class Echo(Recorder):
    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)


class BareClient:
    """A client whose ciphertext is in our hands."""

    def __init__(self, sock, version):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = client_context(made(), version)
        self.ssl = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    async def handshake(self):
        loop = asyncio.get_running_loop()
        while True:
            try:
                self.ssl.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.send(self.outgoing.read())
                self.incoming.write(await loop.sock_recv(self.sock, 1 << 16))
        await self.send(self.outgoing.read())

    async def send(self, data):
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    def record(self, content):
        self.ssl.write(content)
        return self.outgoing.read()

    def farewell(self):
        try:
            self.ssl.unwrap()
        except ssl.SSLError:
            pass
        return self.outgoing.read()


def flipped(chance, record, first, last):
    place = chance.randrange(first, min(last, len(record)))
    return record[:place] + bytes([record[place] ^ (1 << chance.randrange(8))]) + record[place + 1 :]


# What is sent in place of a record of 300 bytes.
DAMAGE = {
    "type": lambda chance, client: flipped(chance, client.record(b"x" * 300), 0, 1),
    "version": lambda chance, client: flipped(chance, client.record(b"x" * 300), 1, 3),
    "length": lambda chance, client: flipped(chance, client.record(b"x" * 300), 3, 5),
    "content": lambda chance, client: flipped(chance, client.record(b"x" * 300), 5, 300),
    "tag": lambda chance, client: (record := client.record(b"x" * 300))[:-1] + bytes([record[-1] ^ 1]),
    "cut": lambda chance, client: client.record(b"x" * 300)[: chance.randrange(1, 300)],
    "twice": lambda chance, client: client.record(b"x" * 300) * 2,
    "left out": lambda chance, client: (client.record(b"x" * 300), client.record(b"y" * 300))[1],
    "swapped": lambda chance, client: b"".join((client.record(b"x" * 300), client.record(b"y" * 300))[::-1]),
    "too long": lambda chance, client: b"\x17\x03\x03\xff\xff" + bytes(1000),
    "empty": lambda chance, client: b"\x17\x03\x03\x00\x00",
    "plain alert": lambda chance, client: b"\x15\x03\x03\x00\x02\x02\x28",
    "plain handshake": lambda chance, client: b"\x16\x03\x03\x00\x04\x01\x00\x00\x00",
    "no TLS": lambda chance, client: b"GET / HTTP/1.1\r\n\r\n",
    "noise": lambda chance, client: chance.randbytes(500),
    "farewell": lambda chance, client: client.farewell(),
    "data after farewell": lambda chance, client: client.farewell() + b"\x17\x03\x03\x00\x20" + bytes(32),
    "nothing": lambda chance, client: b"",
}


async def outcome(version, damage, seed, kind=Recorder):
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    near.setblocking(False)
    protocol = kind()
    serving = loop.connect_accepted_socket(
        lambda: protocol, far, ssl=server_context(made(), version), ssl_shutdown_timeout=5
    )
    client = BareClient(near, version)
    await asyncio.gather(serving, client.handshake())
    await client.send(client.record(b"before"))
    while protocol.data != b"before":
        await asyncio.sleep(0.001)
    await client.send(DAMAGE[damage](random.Random(seed), client))
    await asyncio.sleep(0.01)
    near.close()
    await protocol.done
    return bytes(protocol.data), protocol.ends


def found_by(library, *cell):
    loop = load(library).new_event_loop()
    reported = []
    loop.set_exception_handler(lambda _, context: reported.append(context["message"]))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(outcome(*cell)), reported


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.timeout(60)
def test_damage(version, damage):
    for seed in range(4):
        expected, on_asyncio = found_by("asyncio", version, damage, seed)
        found, on_tepal = found_by("tepal", version, damage, seed)
        if damage in ("twice", "data after farewell"):
            # Behind data that arrived with it the error comes after that data, which asyncio drops.
            assert found[1] == expected[1] and found[0].startswith(expected[0])
        else:
            assert found == expected
        assert on_tepal == on_asyncio


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.timeout(60)
def test_an_answer_to_the_data_before_the_damage(version):
    """What is said is why the connection failed, and not that an answer could not be sent on it."""
    (_, expected), on_asyncio = found_by("asyncio", version, "twice", 0, Echo)
    (_, found), on_tepal = found_by("tepal", version, "twice", 0, Echo)
    assert found == expected and found[0][0] == "ssl.SSLError"
    assert on_tepal == on_asyncio
