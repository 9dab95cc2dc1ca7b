"""A server's TLS connections come about as asyncio's do, and end as they do where they do not come about."""

from __future__ import annotations

import asyncio
import contextvars
import socket

import pytest
from certificates import made
from contexts import client_context, server_context
from test_engine import ENGINE, Echo, Recorder, until


async def serve(loop, factory, **options):
    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=server_context(made(), "1.3"), **options)
    return server, server.sockets[0].getsockname()[1]


async def visit(loop, port):
    """A connection that is served."""
    client = client_context(made())
    _, here = await loop.create_connection(Recorder, "127.0.0.1", port, ssl=client, server_hostname="localhost")
    here.transport.write(b"hello")
    await until(lambda: here.data == b"hello")
    here.transport.close()
    await here.done


async def test_what_a_protocol_is_told(loop, library):
    sides = []
    variable = contextvars.ContextVar("variable", default=0)

    class Told(Echo):
        def connection_made(self, transport):
            super().connection_made(transport)
            self.seen = variable.get()
            variable.set(self.seen + 1)
            sides.append(self)

    server, port = await serve(loop, Told)
    await visit(loop, port)
    await visit(loop, port)
    await asyncio.gather(*(side.done for side in sides))
    server.close()
    await server.wait_closed()
    for side in sides:
        assert side.calls == ["made", "eof", ("lost", None)]
        assert side.seen == 0  # a context of its own
        assert side.transport.get_extra_info("peername", "gone") == "gone"
    assert len(sides) == 2
    if library.is_tepal:
        assert sides[0].transport.get_extra_info(ENGINE) in ("fast", None)


async def test_addresses_and_facts(loop):
    facts = []

    class Told(Echo):
        def connection_made(self, transport):
            super().connection_made(transport)
            names = ("peername", "sockname", "sslcontext", "ssl_object", "cipher", "peercert")
            facts.append([transport.get_extra_info(name) for name in names])

    server, port = await serve(loop, Told)
    await visit(loop, port)
    server.close()
    await server.wait_closed()
    [[peer, own, context, ssl_object, cipher, certificate]] = facts
    assert peer[0] == "127.0.0.1" and own == ("127.0.0.1", port)
    assert ssl_object.context is context and cipher[1] == "TLSv1.3" and certificate is None


@pytest.mark.parametrize("words", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b""])
async def test_who_does_not_speak_tls(loop, words):
    """Ends the connection and nothing else; nothing is reported."""
    made_protocols = []

    def factory():
        made_protocols.append(Echo())
        return made_protocols[-1]

    server, port = await serve(loop, factory)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setblocking(False)
        await loop.sock_sendall(sock, words)
        if not words:
            sock.shutdown(socket.SHUT_WR)
        try:
            while await loop.sock_recv(sock, 1000):
                pass
        except ConnectionResetError:
            pass
    await visit(loop, port)
    assert made_protocols[0].calls == [] and made_protocols[1].calls[0] == "made"
    await made_protocols[1].done
    server.close()
    await server.wait_closed()


async def test_a_silent_client(loop):
    server, port = await serve(loop, Echo, ssl_handshake_timeout=0.05)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setblocking(False)
        assert await loop.sock_recv(sock, 1) == b""
    await visit(loop, port)
    server.close()
    await server.wait_closed()


async def test_a_factory_that_fails(loop):
    count = 0

    def factory():
        nonlocal count
        count += 1
        if count == 1:
            raise ZeroDivisionError
        return Echo()

    server, port = await serve(loop, factory)
    with pytest.warns(ResourceWarning, match="unclosed"):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setblocking(False)
            assert await loop.sock_recv(sock, 1) == b""
    await visit(loop, port)
    server.close()
    await server.wait_closed()


async def test_many_at_once(loop):
    server, port = await serve(loop, Echo)
    await asyncio.gather(*(visit(loop, port) for _ in range(30)))
    server.close()
    await server.wait_closed()
