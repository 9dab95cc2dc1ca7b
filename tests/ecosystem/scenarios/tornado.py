"""Tornado: its HTTP server, client, WebSockets, TCP streams and IOLoop over the loop under test."""

import asyncio
import hashlib
from typing import Any

from http_requests import LARGE
from scenario import scenario
from stage import Stage


def application() -> Any:
    """Returns a Tornado application with the routes that the scenario needs."""
    import tornado.web
    import tornado.websocket

    @tornado.web.stream_request_body
    class Digest(tornado.web.RequestHandler):
        def prepare(self) -> None:
            self.length, self.sha = 0, hashlib.sha256()

        def data_received(self, chunk: bytes) -> None:
            self.length += len(chunk)
            self.sha.update(chunk)

        def post(self) -> None:
            self.write(f"{self.length} {self.sha.hexdigest()}")

    class Stream(tornado.web.RequestHandler):
        async def get(self, count: str, size: str) -> None:
            for index in range(int(count)):
                self.write(bytes([97 + index % 26]) * int(size))
                await self.flush()

    class Sleep(tornado.web.RequestHandler):
        async def get(self, seconds: str) -> None:
            await asyncio.sleep(float(seconds))
            self.write("slept")

    class Echo(tornado.websocket.WebSocketHandler):
        def on_message(self, message: Any) -> None:
            if message == "close":
                self.close(4001, "as you wish")
            else:
                self.write_message(message, binary=isinstance(message, bytes))

    routes = [("/digest", Digest), (r"/stream/(\d+)/(\d+)", Stream), (r"/sleep/([\d.]+)", Sleep), ("/echo", Echo)]
    return tornado.web.Application(routes)


async def exercise(port: int, tls: Any = None) -> dict[str, Any]:
    """Asks the server with Tornado's own clients; returns what was seen."""
    import tornado.httpclient
    import tornado.websocket

    seen: dict[str, Any] = {}
    scheme = "https" if tls else "http"
    url = f"{scheme}://localhost:{port}"
    client = tornado.httpclient.AsyncHTTPClient(max_clients=50)
    options = {"ssl_options": tls, "request_timeout": 20}
    response = await client.fetch(f"{url}/digest", method="POST", body=LARGE, **options)
    seen["large body"] = response.body.decode() == f"{len(LARGE)} {hashlib.sha256(LARGE).hexdigest()}"
    seen["streamed"] = len((await client.fetch(f"{url}/stream/100/9000", **options)).body)

    async def one(index: int) -> int:
        response = await client.fetch(f"{url}/digest", method="POST", body=bytes(index * 10), **options)
        assert int(response.body.split()[0]) == index * 10
        return int(response.code)

    seen["many"] = sorted(set(await asyncio.gather(*map(one, range(200)))))
    try:
        await client.fetch(f"{url}/sleep/20", **options | {"request_timeout": 0.3})
    except tornado.httpclient.HTTPError as error:
        seen["timeout"] = [error.code, type(error).__name__]
    request = tornado.httpclient.HTTPRequest(f"{url.replace('http', 'ws')}/echo", ssl_options=tls)
    connection = await tornado.websocket.websocket_connect(request)
    for size in (0, 1, 126, 65_536, 1_000_000):
        await connection.write_message(bytes(size), binary=True)
        assert await connection.read_message() == bytes(size)
    await connection.write_message("close")
    seen["close"] = [await connection.read_message(), connection.close_code, connection.close_reason]
    client.close()
    return seen


@scenario("tornado", "HTTP server, client and WebSocket")
async def http(stage: Stage) -> dict[str, Any]:
    import tornado.httpserver
    import tornado.testing

    listener, port = tornado.testing.bind_unused_port()
    server = tornado.httpserver.HTTPServer(application(), max_body_size=2**26)
    server.add_sockets([listener])
    try:
        return await exercise(port)
    finally:
        server.stop()
        await server.close_all_connections()


@scenario("tornado", "HTTP server, client and WebSocket, TLS", also=("trustme",))
async def https(stage: Stage) -> dict[str, Any]:
    import tornado.httpserver
    import tornado.testing

    listener, port = tornado.testing.bind_unused_port()
    tls = stage.certificates.server()
    server = tornado.httpserver.HTTPServer(application(), max_body_size=2**26, ssl_options=tls)
    server.add_sockets([listener])
    try:
        return await exercise(port, stage.certificates.client())
    finally:
        server.stop()
        await server.close_all_connections()


@scenario("tornado", "TCP streams, IOLoop, subprocess, PeriodicCallback")
async def streams(stage: Stage) -> dict[str, Any]:
    import tornado.ioloop
    import tornado.iostream
    import tornado.process
    import tornado.tcpclient
    import tornado.tcpserver
    import tornado.testing

    class Echo(tornado.tcpserver.TCPServer):
        async def handle_stream(self, stream: Any, address: Any) -> None:
            try:
                while True:
                    await stream.write(await stream.read_until(b"\n"))
            except tornado.iostream.StreamClosedError:
                pass

    seen: dict[str, Any] = {}
    listener, port = tornado.testing.bind_unused_port()
    server = Echo()
    server.add_sockets([listener])
    stream = await tornado.tcpclient.TCPClient().connect("127.0.0.1", port)
    for size in (0, 10, 10_000, 90_000):
        await stream.write(b"x" * size + b"\n")
        assert await stream.read_until(b"\n") == b"x" * size + b"\n"
    stream.close()
    server.stop()
    ticks: list[int] = []
    ticker = tornado.ioloop.PeriodicCallback(lambda: ticks.append(1), 5)
    ticker.start()
    while len(ticks) < 5:
        await asyncio.sleep(0.01)
    ticker.stop()
    loop = tornado.ioloop.IOLoop.current()
    seen["same loop"] = loop.asyncio_loop is asyncio.get_running_loop()
    seen["executor"] = await loop.run_in_executor(None, sum, [1, 2, 3])
    process = tornado.process.Subprocess(
        ["cat"], stdin=tornado.process.Subprocess.STREAM, stdout=tornado.process.Subprocess.STREAM
    )
    await process.stdin.write(b"through a pipe")
    process.stdin.close()
    seen["pipe"] = (await process.stdout.read_until_close()).decode()
    seen["status"] = await process.wait_for_exit()
    return seen
