"""What an HTTP server is asked, by clients that know no event loop: http.client, sockets, websockets.sync."""

import hashlib
import http.client
import json
import select
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from subject import Subject

LIMIT = 20.0
# How long a server may take to send its session tickets, if it sends any.
TICKETS_LIMIT = 0.5
LARGE = bytes(range(256)) * 12_000
HEADERS_OF_A_SERVER = ("content-type", "content-length", "transfer-encoding", "connection", "allow")


class Client:
    """Where a server is reached, and requests to it."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None, path: str | None = None) -> None:
        self.port = port
        self.context = context
        self.path = path

    def connection(self) -> http.client.HTTPConnection:
        """Returns a connection; TLS if there is a context, a Unix socket if there is a path."""
        if self.context is not None:
            return http.client.HTTPSConnection("localhost", self.port, timeout=LIMIT, context=self.context)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        if self.path is not None:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(LIMIT)
            connection.sock.connect(self.path)
        return connection

    def socket(self) -> socket.socket:
        """Returns a plain connected socket."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Makes one request on a connection of its own; returns status, body and the headers that servers choose."""
        connection = self.connection()
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            return answer(connection.getresponse())
        finally:
            connection.close()

    def describe(self) -> str:
        """Returns what the application says of its loop."""
        return self.ask("GET", "/describe")[1].decode()


def answer(response: http.client.HTTPResponse) -> tuple[int, bytes, dict[str, str]]:
    """Reads an answer to its end."""
    headers = {name.lower(): value for name, value in response.getheaders() if name.lower() in HEADERS_OF_A_SERVER}
    return response.status, response.read(), headers


def raw(client: Client, request: bytes) -> str:
    """Sends bytes, reads until the server closes, and returns the lines but for those that change by the second."""
    with client.socket() as connection:
        connection.sendall(request)
        received = b""
        while data := connection.recv(65536):
            received += data
    lines = received.decode("latin-1").splitlines()
    return "\n".join(line for line in lines if not line.lower().startswith(("date:", "server:")))


def slow_reader(client: Client) -> str:
    """Asks for 8 MB, waits until the server must have paused, and reads; returns the digest."""
    with client.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(b"GET /stream/128/65536 HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        threading_pause()
        response = http.client.HTTPResponse(connection)
        response.begin()
        return hashlib.sha256(response.read()).hexdigest()


def threading_pause() -> None:
    """Gives a server the time to fill every buffer on the way."""
    import time

    time.sleep(0.3)


def keep_alive(client: Client, requests: int) -> list[int]:
    """Makes requests one after the other on one connection; returns the statuses seen."""
    connection = client.connection()
    try:
        statuses = set()
        for index in range(requests):
            body = bytes([index % 256]) * (index * 37 % 5000)
            connection.request("POST", "/digest", body)
            status, text, _ = answer(connection.getresponse())
            assert text.decode() == f"{len(body)} {hashlib.sha256(body).hexdigest()}"
            statuses.add(status)
        return sorted(statuses)
    finally:
        connection.close()


def exercise(client: Client, loop: Subject) -> dict[str, Any]:
    """Asks everything that is asked of every server; returns what was answered."""
    loop.check(client.describe())
    seen: dict[str, Any] = {}
    digest = f"{len(LARGE)} {hashlib.sha256(LARGE).hexdigest()}"
    status, body, _ = client.ask("POST", "/digest", LARGE)
    assert body.decode() == digest, body
    seen["large body"] = status
    pieces = (LARGE[start : start + 10_000] for start in range(0, len(LARGE), 10_000))
    status, body, _ = client.ask("POST", "/digest", pieces)
    assert body.decode() == digest, body
    seen["chunked body"] = status
    status, body, headers = client.ask("GET", "/stream/26/3000")
    assert body == b"".join(bytes([97 + index]) * 3000 for index in range(26))
    seen["streamed"] = [status, headers]
    status, body, headers = client.ask("GET", "/scope/?a=1&b=%20", x_some_header="a value")
    seen["scope"] = [status, json.loads(body), headers]
    seen["not found"] = client.ask("GET", "/nowhere")[0::2]
    seen["head"] = client.ask("HEAD", "/describe")[0]
    seen["failing"] = client.ask("GET", "/fail")[0]
    with ThreadPoolExecutor(16) as threads:
        seen["keep-alive"] = list(threads.map(lambda _: keep_alive(client, 25), range(16)))
    loop.check(client.describe())
    return seen


def exercise_sockets(client: Client) -> dict[str, Any]:
    """Asks what only a plain socket can ask: pipelining, bad requests, slow readers, clients that go away."""
    one = b"GET /stream/2/3 HTTP/1.1\r\nhost: here\r\n\r\n"
    last = b"GET /stream/2/3 HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"
    expecting = (
        b"POST /digest HTTP/1.1\r\nhost: here\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 5\r\n\r\n"
    )
    seen: dict[str, Any] = {
        "pipelined": raw(client, one * 5 + last),
        "old": raw(client, b"GET /stream/2/3 HTTP/1.0\r\n\r\n"),
        "no HTTP": raw(client, b"what is this\r\n\r\n"),
        "continue": raw(client, expecting + b"abcde"),
        "slow reader": slow_reader(client),
    }
    for _ in range(5):
        # Half a request, then a reset: nobody else may notice.
        with client.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(b"POST /digest HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\nhalf")
    seen["after resets"] = client.ask("GET", "/stream/1/1")[0]
    return seen


def connected(url: str, context: ssl.SSLContext | None) -> dict[str, Any]:
    """Returns the words that have websockets connect to `url`: over TLS, on a socket that has read its tickets.

    websockets reads in one thread and writes in another. When the server's session tickets arrive while the request is
    written, OpenSSL may lose the request, and both sides wait: with no event loop on either side as well.
    """
    if context is None:
        return {"uri": url}
    address = urlsplit(url)
    plain = socket.create_connection((address.hostname, address.port), timeout=LIMIT)
    secured = context.wrap_socket(plain, server_hostname=address.hostname)
    if select.select([secured], [], [], TICKETS_LIMIT)[0]:
        secured.setblocking(False)
        try:
            early = secured.recv(1)
            raise AssertionError(f"a server that says {early!r} before it was asked")
        except ssl.SSLWantReadError:
            pass
    secured.settimeout(None)
    return {"uri": url.replace("wss:", "ws:", 1), "sock": secured}


def exercise_websockets(url: str, loop: Subject, context: ssl.SSLContext | None = None) -> dict[str, Any]:
    """Talks with a WebSocket server of asgi_application; returns what was seen."""
    import websockets.exceptions
    from websockets.sync.client import connect

    seen: dict[str, Any] = {}
    limits = {"open_timeout": LIMIT, "close_timeout": LIMIT, "max_size": 2**23}
    with connect(**connected(url, context), **limits) as client:
        loop.check(client.recv(LIMIT))
        for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
            client.send("x" * size)
            assert client.recv(LIMIT) == "x" * size
            client.send(bytes(size))
            assert client.recv(LIMIT) == bytes(size)
        for index in range(500):
            client.send(str(index))
        assert [client.recv(LIMIT) for _ in range(500)] == [str(index) for index in range(500)]
        seen["ping"] = client.ping().wait(LIMIT)
        client.send(iter(["in ", "three ", "pieces"]))
        seen["fragments"] = client.recv(LIMIT)
        client.send("close")
        try:
            client.recv(LIMIT)
        except websockets.exceptions.ConnectionClosed as closed:
            seen["close"] = [closed.rcvd.code, closed.rcvd.reason]
    try:
        connect(**connected(f"{url}/refuse", context), **limits)
    except websockets.exceptions.InvalidStatus as refused:
        seen["refused"] = refused.response.status_code
    with ThreadPoolExecutor(8) as threads:
        seen["many"] = list(threads.map(lambda index: chat(connected(url, context) | limits, index), range(8)))
    return seen


def chat(words: dict[str, Any], index: int) -> bool:
    """Exchanges a hundred messages on a connection of its own; tells whether each came back as it was sent."""
    from websockets.sync.client import connect

    with connect(**words) as client:
        client.recv(LIMIT)
        for number in range(100):
            client.send(f"{index} {number}" * 50)
            if client.recv(LIMIT) != f"{index} {number}" * 50:
                return False
    return True
