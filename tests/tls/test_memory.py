"""What an idle TLS connection keeps."""

import asyncio
import socket
import ssl

import leaks
import pytest
from certificates import made
from contexts import client_context, server_context

NUMBER = 20
SIZE = 100 * 1024


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


def say(sock, context):
    """Shake hands and have something large echoed, which is sent together with the end of the handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")

    def until_done(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(SIZE))

    until_done(client.do_handshake)
    client.write(b"x" * SIZE)
    received = 0
    while received < SIZE:
        received += len(until_done(lambda: client.read(SIZE)))


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
async def test_large_messages_leave_nothing_behind(loop, library):
    near_context, far_context = client_context(made(), "1.3"), server_context(made(), "1.3")

    async def connect():
        near, far = socket.socketpair()
        accepting = loop.connect_accepted_socket(Echo, far, ssl=far_context)
        _, (transport, _) = await asyncio.gather(asyncio.to_thread(say, near, near_context), accepting)
        return near, transport

    kept = [await connect()]
    before = leaks.heap_in_use()
    kept += [await connect() for _ in range(NUMBER)]
    each = (leaks.heap_in_use() - before) / NUMBER
    for near, transport in kept:
        near.close()
        transport.abort()
    # Some 28 KiB; OpenSSL's memory BIOs would keep 200 more.
    assert each < 60 * 1024
