"""Which engine serves a connection, and that everything a transport can do is as asyncio's on either."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import subprocess
import sys

import pytest
from certificates import made
from contexts import VERSIONS, client_context, server_context
from server_process import described

ENGINE = "tepal.tls_engine"


class Recorder(asyncio.Protocol):
    """Remembers what it was told."""

    def __init__(self):
        self.calls = []
        self.data = bytearray()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.calls.append("made")

    def data_received(self, data):
        self.data += data

    def pause_writing(self):
        self.calls.append("pause")

    def resume_writing(self):
        self.calls.append("resume")

    def eof_received(self):
        self.calls.append("eof")

    def connection_lost(self, exc):
        self.calls.append(("lost", described(exc)))
        self.done.set_result(None)


class Echo(Recorder):
    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)


async def pair(loop, version="1.3", *, server=None, client=None, protocols=(Recorder, Echo), **options):
    """Both ends of a connection over a socket pair."""
    near, far = socket.socketpair()
    server = server or server_context(made(), version)
    client = client or client_context(made(), version)
    accepting = loop.connect_accepted_socket(protocols[1], far, ssl=server, **options)
    connecting = loop.create_connection(protocols[0], sock=near, ssl=client, server_hostname="localhost", **options)
    (_, here), (_, there) = await asyncio.gather(connecting, accepting)
    return here, there


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def end(here, there):
    here.transport.close()
    await asyncio.gather(here.done, there.done)


def engine_of(side):
    return side.transport.get_extra_info(ENGINE)


async def test_the_usual_engine(loop, library):
    here, there = await pair(loop)
    assert engine_of(here) == engine_of(there) == ("fast" if library.is_tepal else None)
    assert isinstance(here.transport, asyncio.sslproto._SSLProtocolTransport)
    await end(here, there)


async def test_the_fallback_is_forced(loop, library, monkeypatch):
    monkeypatch.setenv("TEPAL_TLS", "fallback")
    here, there = await pair(loop)
    assert engine_of(here) == ("fallback" if library.is_tepal else None)
    assert type(here.transport) is asyncio.sslproto._SSLProtocolTransport
    await end(here, there)


class OtherObject(ssl.SSLObject):
    pass


class OtherContext(ssl.SSLContext):
    def wrap_bio(self, *args, **kwargs):
        return super().wrap_bio(*args, **kwargs)


class PlainSubclass(ssl.SSLContext):
    pass


def unusual(kind):
    made_of = {"subclass": PlainSubclass, "wrap_bio": OtherContext}.get(kind, ssl.SSLContext)
    context = made_of(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(made() / "ca.pem")
    if kind == "sslobject_class":
        context.sslobject_class = OtherObject
    if kind == "message callback":
        context._msg_callback = lambda *args: None
    return context


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
@pytest.mark.parametrize(
    ("kind", "engine"),
    [("subclass", "fast"), ("wrap_bio", "fallback"), ("sslobject_class", "fallback"), ("message callback", "fallback")],
)
async def test_contexts_with_ways_of_their_own(loop, kind, engine):
    here, there = await pair(loop, client=unusual(kind))
    assert engine_of(here) == engine
    here.transport.write(b"hello")
    await until(lambda: here.data == b"hello")
    await end(here, there)


WITHOUT = """
import asyncio, ssl, tepal
from tepal import tls
assert tls._openssl_is_known() is {known}
"""


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
@pytest.mark.parametrize(
    ("before", "known"),
    [("", True), ("import _ssl; del _ssl.__file__", False), ("import ssl; ssl.OPENSSL_VERSION += '?'", False)],
    ids=["usual", "built in", "another version"],
)
def test_an_openssl_that_is_not_known(library, before, known):
    program = before + WITHOUT.format(known=known)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


async def test_facts(loop):
    here, there = await pair(loop)
    transport = here.transport
    assert isinstance(transport.get_extra_info("ssl_object"), ssl.SSLObject)
    assert transport.get_extra_info("peercert")["subject"] == ((("commonName", "good"),),)
    assert transport.get_extra_info("cipher")[1] == "TLSv1.3"
    assert transport.get_extra_info("compression") is None
    assert isinstance(transport.get_extra_info("sslcontext"), ssl.SSLContext)
    assert transport.get_extra_info("socket").family == socket.AF_UNIX
    assert transport.get_extra_info("nothing", 5) == 5
    assert not transport.can_write_eof()
    with pytest.raises(NotImplementedError):
        transport.write_eof()
    for wrong in ("text", 1, None):
        with pytest.raises(TypeError, match="data: expecting a bytes-like instance, got"):
            transport.write(wrong)
    assert transport.get_write_buffer_size() == transport.get_read_buffer_size() == 0
    assert transport.get_write_buffer_limits() == (128 * 1024, 512 * 1024)
    assert transport.get_read_buffer_limits() == (64 * 1024, 256 * 1024)
    transport.set_write_buffer_limits(high=1000)
    transport.set_read_buffer_limits(low=10)
    assert transport.get_write_buffer_limits() == (250, 1000)
    assert transport.get_read_buffer_limits() == (10, 40)
    with pytest.raises(ValueError, match="must be >= low"):
        transport.set_write_buffer_limits(high=1, low=2)
    await end(here, there)


@pytest.mark.parametrize("version", VERSIONS)
async def test_flow_control(loop, version):
    """A peer that does not read stops the writer; everything arrives once it reads again."""
    here, there = await pair(loop, version, protocols=(Recorder, Recorder))
    there.transport.pause_reading()
    sent = os.urandom(1 << 16) * 64
    here.transport.write(sent)
    assert here.calls == ["made", "pause"] or here.transport.get_write_buffer_size() == 0
    for _ in range(20):
        here.transport.write(sent)
        await asyncio.sleep(0)
    assert "pause" in here.calls and here.transport.get_write_buffer_size() > 0
    assert there.data == b""
    there.transport.resume_reading()
    await until(lambda: len(there.data) == 21 * len(sent))
    assert there.data == sent * 21
    await until(lambda: here.calls[-1] == "resume")
    assert here.transport.get_write_buffer_size() == 0
    await end(here, there)
    assert there.calls == ["made", "eof", ("lost", None)]


async def test_paused_reading_keeps_what_arrived(loop):
    here, there = await pair(loop, protocols=(Recorder, Recorder))
    there.transport.pause_reading()
    assert not there.transport.is_reading()
    here.transport.write(b"x" * 10_000)
    await asyncio.sleep(0.02)
    assert there.data == b"" and there.transport.get_read_buffer_size() > 10_000
    there.transport.resume_reading()
    await until(lambda: len(there.data) == 10_000)
    assert there.transport.get_read_buffer_size() == 0
    await end(here, there)


async def test_another_protocol_in_flight(loop):
    here, there = await pair(loop, protocols=(Recorder, Recorder))
    other = Recorder()
    other.transport = there.transport
    here.transport.write(b"first")
    await until(lambda: there.data == b"first")
    there.transport.set_protocol(other)
    assert there.transport.get_protocol() is other
    here.transport.writelines([b"sec", bytearray(b"on"), memoryview(b"d")])
    await until(lambda: other.data == b"second")
    assert there.data == b"first"
    here.transport.close()
    await asyncio.gather(here.done, other.done)


async def test_an_error_of_the_protocol(loop, reports):
    class Failing(Recorder):
        def data_received(self, data):
            raise ZeroDivisionError("of the protocol")

    here, there = await pair(loop, protocols=(Recorder, Failing))
    here.transport.write(b"x")
    await asyncio.gather(here.done, there.done)
    assert there.calls[-1] == ("lost", ["builtins.ZeroDivisionError", "of the protocol"])
    [report] = reports.take()
    assert "Fatal error on SSL protocol" in str(report)


async def test_abort(loop):
    here, there = await pair(loop)
    here.transport.write(b"x" * 1_000_000)
    here.transport.abort()
    assert here.transport.is_closing()
    here.transport.write(b"ignored")
    await asyncio.gather(here.done, there.done)
    assert here.calls[-1] == ("lost", None)
    assert here.transport.is_closing()


async def test_a_peer_that_never_answers(loop):
    near, far = socket.socketpair()
    with pytest.raises(ConnectionAbortedError, match="SSL handshake is taking longer than 0.05 seconds"):
        await loop.create_connection(
            Recorder, sock=near, ssl=client_context(made()), server_hostname="localhost", ssl_handshake_timeout=0.05
        )
    far.close()


async def test_a_peer_that_never_says_goodbye(loop):
    here, there = await pair(loop, ssl_shutdown_timeout=0.05)
    there.transport.pause_reading()
    there.transport._ssl_protocol._transport.pause_reading()
    here.transport.close()
    await here.done
    assert here.calls[-1] == ("lost", ["builtins.TimeoutError", "SSL shutdown timed out"])
    there.transport.abort()
    await there.done


async def test_the_end_without_close_notify(loop):
    here, there = await pair(loop, protocols=(Recorder, Recorder))
    here.transport.write(b"last words")
    here.transport._ssl_protocol._transport.close()
    await asyncio.gather(here.done, there.done)
    assert there.data == b"last words"
    assert there.calls == ["made", "eof", ("lost", None)]


@pytest.mark.parametrize("version", VERSIONS)
async def test_start_tls_and_tls_in_tls(loop, library, version):
    near, far = socket.socketpair()
    _, here = await loop.create_connection(Recorder, sock=near)
    _, there = await loop.connect_accepted_socket(Echo, far)
    for level in range(3):
        client, server = client_context(made(), version), server_context(made(), version)
        here.transport, there.transport = await asyncio.gather(
            loop.start_tls(here.transport, here, client, server_hostname="localhost"),
            loop.start_tls(there.transport, there, server, server_side=True),
        )
        assert engine_of(here) == engine_of(there) == ("fast" if library.is_tepal else None)
        here.data.clear()
        sent = os.urandom(100_000) + bytes([level])
        here.transport.write(sent)
        await until(lambda sent=sent: here.data == sent)
    here.transport.close()
    await asyncio.gather(here.done, there.done)


async def test_callbacks_sessions_and_keys(loop, tmp_path):
    """SNI, ALPN, the key log and a resumed session, which are the context's own."""
    names = []
    server = server_context(made(), "1.2")
    server.sni_callback = lambda ssl_object, name, context: names.append((name, type(ssl_object)))
    client = client_context(made(), "1.2")
    client.keylog_filename = str(tmp_path / "keys")
    here, there = await pair(loop, server=server, client=client)
    assert names == [("localhost", ssl.SSLObject)]
    ssl_object = here.transport.get_extra_info("ssl_object")
    assert ssl_object.selected_alpn_protocol() == "echo"
    assert ssl_object.session is not None and not ssl_object.session_reused
    here.transport.write(b"hello")
    await until(lambda: here.data == b"hello")
    assert ssl_object.get_channel_binding() == there.transport.get_extra_info("ssl_object").get_channel_binding()
    assert "CLIENT_RANDOM" in (tmp_path / "keys").read_text()
    await end(here, there)


async def test_a_certificate_asked_for_later(loop):
    """Authentication after the handshake (TLS 1.3): handshake messages among the data, both ways."""
    server = server_context(made())
    server.verify_mode = ssl.CERT_OPTIONAL
    server.post_handshake_auth = True
    server.load_verify_locations(made() / "ca.pem")
    client = client_context(made(), "1.3", "client")
    client.post_handshake_auth = True
    server.verify_mode = ssl.CERT_REQUIRED
    here, there = await pair(loop, server=server, client=client)
    ssl_object = there.transport.get_extra_info("ssl_object")
    ssl_object.verify_client_post_handshake()
    there.transport.write(b"request")
    await until(lambda: here.data == b"request")
    here.transport.write(b"answer")
    await until(lambda: there.data == b"answer")
    assert ssl_object.getpeercert()["subject"] == ((("commonName", "client"),),)
    await end(here, there)


async def test_streams(loop, library):
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(made()))
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=client_context(made()), server_hostname="localhost"
    )
    assert writer.get_extra_info(ENGINE) == ("fast" if library.is_tepal else None)
    for number in range(100):
        writer.write(b"line %d\n" % number)
        assert await reader.readline() == b"LINE %d\n" % number
    writer.write(b"x" * 60_000 + b"\n")
    assert len(await reader.readline()) == 60_001
    waiting = asyncio.ensure_future(reader.read(1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    writer.write(b"after\n")
    assert await reader.readline() == b"AFTER\n"
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_nothing_is_kept(loop):
    """A connection's objects go with it."""
    import weakref

    here, there = await pair(loop)
    here.transport.write(b"x" * 100_000)
    await until(lambda: len(here.data) == 100_000)
    kept = [weakref.ref(here.transport._ssl_protocol), weakref.ref(there.transport._ssl_protocol)]
    await end(here, there)
    here.transport = there.transport = None
    await asyncio.sleep(0)
    gc.collect()
    assert [reference() for reference in kept] == [None, None]
