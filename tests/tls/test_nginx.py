"""nginx at the other end: the same outcome on asyncio, on the engine and on the fallback, in every cell."""

from __future__ import annotations

import asyncio
import http.client
import socket

import pytest
from certificates import made
from contexts import VERSIONS, client_context, server_context
from library import load
from nginx import SIZE, Nginx, debian, proxy, server
from server_process import CASES, described

SIDES = {"asyncio": ("asyncio", ""), "fast": ("tepal", ""), "fallback": ("tepal", "fallback")}
CELLS = [(version, case) for version in VERSIONS for case in CASES]
GOOD = ("good", "client certificate")


class Running:
    """nginx with a server and a proxy for each cell, and the listening sockets behind the proxies."""

    def __init__(self) -> None:
        self.listeners = {cell: socket.create_server(("127.0.0.1", 0)) for cell in CELLS}
        ports = iter(debian.free_ports(2 * len(CELLS)))
        self.served = {cell: next(ports) for cell in CELLS}
        self.proxied = {cell: next(ports) for cell in CELLS}
        blocks = []
        for cell, listener in self.listeners.items():
            listener.setblocking(False)
            version, case = cell
            blocks.append(server(made(), self.served[cell], version, *CASES[case]))
            behind = listener.getsockname()[1]
            blocks.append(proxy(made(), self.proxied[cell], behind, version, case == "client certificate"))
        try:
            self.nginx = Nginx(blocks, [*self.served.values(), *self.proxied.values()])
        except BaseException:
            self.close_listeners()
            raise

    def close_listeners(self) -> None:
        for listener in self.listeners.values():
            listener.close()

    def close(self) -> None:
        self.nginx.close()
        self.close_listeners()


@pytest.fixture(scope="module")
def running():
    try:
        started = Running()
    except debian.Unavailable as reason:
        pytest.skip(f"no nginx: {reason}")
    yield started
    started.close()


def run(monkeypatch, side, coroutine_function, *arguments):
    library, engine = SIDES[side]
    monkeypatch.setenv("TEPAL_TLS", engine)

    async def limited():
        async with asyncio.timeout(20):
            return await coroutine_function(*arguments)

    with asyncio.Runner(loop_factory=load(library).new_event_loop) as runner:
        return runner.run(limited())


async def ask(port, version, certificate):
    """Get the file twice over one connection, then let nginx end it."""
    context = client_context(made(), version, certificate)
    context.set_alpn_protocols(["http/1.1"])
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    except OSError as error:
        return described(error)
    answers = []
    for connection in ("keep-alive", "close"):
        writer.write(f"GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        length = next(int(line.split(":")[1]) for line in head if line.startswith("content-length"))
        answers.append((head[0], await reader.readexactly(length)))
        if "connection: close" in head:
            break
    rest = await reader.read()
    facts = [writer.get_extra_info("cipher")[1], writer.get_extra_info("ssl_object").selected_alpn_protocol()]
    writer.close()
    await writer.wait_closed()
    return answers, rest, facts


@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
@pytest.mark.timeout(60, method="signal", func_only=True)  # not what may install nginx
def test_clients_of_nginx(monkeypatch, running, cell):
    version, case = cell
    certificate = "client" if case == "client certificate" else None
    found = {side: run(monkeypatch, side, ask, running.served[cell], version, certificate) for side in SIDES}
    assert found["fast"] == found["fallback"] == found["asyncio"]
    if case in GOOD:
        assert found["fast"][0] == [("http/1.1 200 ok", b"tepal!" * (SIZE // 6))] * 2
        assert found["fast"][1:] == (b"", [f"TLSv{version}", "http/1.1"])
    elif case == "no client certificate":
        assert [status for status, _ in found["fast"][0]] == ["http/1.1 400 bad request"]
    else:
        assert found["fast"][0] == "ssl.SSLCertVerificationError"


class Page(asyncio.Protocol):
    """Answers the request that nginx passes on, and tells how the connection ended."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.calls: list[object] = []
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        peer = transport.get_extra_info("peercert")
        self.calls.append(("made", transport.get_extra_info("cipher")[1], peer and peer["subject"]))

    def data_received(self, data):
        self.data += data
        if self.data.endswith(b"\r\n\r\n"):
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
            self.transport.writelines([b"tepal!" * 100] * (SIZE // 600))

    def eof_received(self):
        self.calls.append("eof")

    def connection_lost(self, exc):
        self.calls.append(("lost", described(exc)))
        self.ended.set_result(None)


def fetch(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/")
    answer = connection.getresponse()
    status, body = answer.status, answer.read()
    connection.close()
    return status, body


async def answer(listener, port, context):
    """Serve the one connection that a request to nginx leads to; gives nginx's answer and what happened here."""
    loop = asyncio.get_running_loop()
    fetching = loop.run_in_executor(None, fetch, port)
    sock, _ = await loop.sock_accept(listener)
    sock.setblocking(False)
    try:
        _, protocol = await loop.connect_accepted_socket(Page, sock, ssl=context)
    except OSError as error:
        calls = described(error)
    else:
        await protocol.ended
        calls = [*protocol.calls, bytes(protocol.data)]
    status, body = await fetching
    return (status, body if status == 200 else None), calls


@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
@pytest.mark.timeout(60, method="signal", func_only=True)  # not what may install nginx
def test_servers_of_nginx(monkeypatch, running, cell):
    version, case = cell
    found = {}
    for side in SIDES:
        context = server_context(made(), version, *CASES[case])
        # nginx looks at the certificate after the handshake. If it then closes with a ticket unread, the kernel resets
        # the connection, before or after our answer to its close_notify: on asyncio, too, the error varies.
        context.num_tickets = 0
        found[side] = run(monkeypatch, side, answer, running.listeners[cell], running.proxied[cell], context)
    assert found["fast"] == found["fallback"] == found["asyncio"]
    if case in GOOD:
        assert found["fast"][0] == (200, b"tepal!" * (SIZE // 6))
    else:
        assert found["fast"][0] == (502, None)
