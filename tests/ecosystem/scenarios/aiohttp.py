"""aiohttp: its server run by `web.run_app(loop=...)`, its client against that server and against nginx."""

import asyncio
import hashlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import suite
from http_requests import LARGE, Client, exercise, exercise_sockets, exercise_websockets
from program import Program
from scenario import scenario
from services import nginx
from stage import APPLICATIONS, Stage

PROGRAM = str(APPLICATIONS / "aiohttp_application.py")


def serve(stage: Stage, port: int, *files: str) -> Program:
    """Starts the server as a program and waits until it listens."""
    return stage.python(PROGRAM, stage.loop.name, str(port), *files, port=port)


def ended(program: Program) -> dict[str, Any]:
    """Stops the server by SIGTERM; returns how it ended."""
    status = program.terminate()
    return {"status": status, "tracebacks": program.tracebacks(), "shutdown": "[lifespan.shutdown on" in program.text()}


@scenario("aiohttp", "server: HTTP/1.1")
def server(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port)
    client = Client(port)
    seen = {**exercise(client, stage.loop), **exercise_sockets(client)}
    status, body, _ = client.ask("GET", "/file")
    seen["sendfile"] = [status, body == Path(PROGRAM).read_bytes()]
    return {**seen, **ended(program)}


@scenario("aiohttp", "server: WebSocket")
def server_websocket(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port)
    return {**exercise_websockets(f"ws://127.0.0.1:{port}", stage.loop), **ended(program)}


@scenario("aiohttp", "server: TLS, HTTP and WebSocket", also=("trustme",))
def server_tls(stage: Stage) -> dict[str, Any]:
    port, certificates = stage.free_port(), stage.certificates
    program = serve(stage, port, str(certificates.certificate), str(certificates.key))
    seen = exercise(Client(port, certificates.client()), stage.loop)
    seen |= exercise_websockets(f"wss://localhost:{port}", stage.loop, certificates.client())
    return {**seen, **ended(program)}


@scenario("aiohttp", "server: graceful shutdown on SIGTERM")
def graceful_shutdown(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port)
    client = Client(port)
    with ThreadPoolExecutor() as threads:
        under_way = threads.submit(client.ask, "GET", "/sleep/1.0")
        program.wait_printed("[asleep]")
        before = time.monotonic()
        program.signal(signal.SIGTERM)
        status, body, _ = under_way.result()
    exit_status = program.wait()
    return {
        "the request under way": [status, body.decode()],
        "waited for it": 0.3 < time.monotonic() - before < 10,
        "status": exit_status,
        "shutdown": "[lifespan.shutdown on" in program.text(),
        "tracebacks": program.tracebacks(),
    }


class Site:
    """aiohttp's server inside this process, on the loop under test, for its client to talk to."""

    def __init__(self, stage: Stage, tls: bool = False, path: str | None = None) -> None:
        self.stage = stage
        self.tls = tls
        self.path = path
        self.url = "http://localhost"

    async def __aenter__(self) -> "Site":
        from aiohttp import web
        from aiohttp_application import application

        large = self.stage.folder / "large"
        large.write_bytes(LARGE * 3)
        self.runner = web.AppRunner(application(str(large)), handler_cancellation=True)
        await self.runner.setup()
        if self.path:
            await web.UnixSite(self.runner, self.path).start()
            return self
        context = self.stage.certificates.server() if self.tls else None
        site = web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port = self.runner.addresses[0][1]
        self.url = f"{'https://localhost' if self.tls else 'http://127.0.0.1'}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()


async def exercise_client(session: Any, url: str, loop: Any) -> dict[str, Any]:
    """Uses everything that clients use; returns what was seen."""
    import aiohttp

    seen: dict[str, Any] = {}
    digest = f"{len(LARGE)} {hashlib.sha256(LARGE).hexdigest()}"

    async def pieces() -> Any:
        for start in range(0, len(LARGE), 100_000):
            yield LARGE[start : start + 100_000]

    async with session.get(f"{url}/describe") as response:
        loop.check(await response.text())
    for name, body in (("large body", LARGE), ("chunked body", pieces())):
        async with session.post(f"{url}/digest", data=body) as response:
            seen[name] = [response.status, (await response.text()) == digest]
    async with session.get(f"{url}/stream/200/5000") as response:
        seen["streamed"] = [response.status, sum([len(piece) async for piece in response.content.iter_any()])]
    async with session.get(f"{url}/file") as response:
        seen["file"] = [response.status, hashlib.sha256(await response.read()).hexdigest()]
    async with session.get(f"{url}/redirect") as response:
        seen["redirected"] = [response.status, await response.text(), len(response.history)]
    async with session.get(f"{url}/fail") as response:
        seen["failing"] = response.status

    async def one(index: int) -> int:
        async with session.post(f"{url}/digest", data=bytes([index % 256]) * index * 10) as response:
            length = int((await response.text()).split()[0])
            assert length == index * 10
            return int(response.status)

    seen["many"] = sorted(set(await asyncio.gather(*[one(index) for index in range(300)])))
    try:
        async with session.get(f"{url}/sleep/20", timeout=aiohttp.ClientTimeout(total=0.2)):
            pass
    except TimeoutError as error:
        seen["timeout"] = type(error).__name__
    task = asyncio.ensure_future(session.get(f"{url}/sleep/20"))
    await asyncio.sleep(0.1)
    task.cancel()
    seen["cancelled"] = type((await asyncio.gather(task, return_exceptions=True))[0]).__name__
    seen["websocket"] = await exchange(session, url, loop)
    return seen


async def exchange(session: Any, url: str, loop: Any) -> Any:
    """Talks over a WebSocket; returns how it was closed."""
    async with session.ws_connect(f"{url}/", max_msg_size=2**23, heartbeat=5) as client:
        loop.check(await client.receive_str())
        for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
            await client.send_bytes(bytes(size))
            assert await client.receive_bytes() == bytes(size)
        for index in range(500):
            await client.send_str(str(index))
        for index in range(500):
            assert await client.receive_str() == str(index)
        await client.send_str("close")
        message = await client.receive()
        return [message.type.name, client.close_code, message.extra]


@scenario("aiohttp", "client and server on one loop")
async def client(stage: Stage) -> dict[str, Any]:
    import aiohttp

    async with Site(stage) as site, aiohttp.ClientSession() as session:
        return await exercise_client(session, site.url, stage.loop)


@scenario("aiohttp", "client and server on one loop, TLS", also=("trustme",))
async def client_tls(stage: Stage) -> dict[str, Any]:
    import aiohttp

    async with Site(stage, tls=True) as site:
        connector = aiohttp.TCPConnector(ssl=stage.certificates.client())
        async with aiohttp.ClientSession(connector=connector) as session:
            seen = await exercise_client(session, site.url, stage.loop)
        async with aiohttp.ClientSession() as session:
            try:
                await session.get(f"{site.url}/describe")
            except aiohttp.ClientConnectorCertificateError as error:
                seen["not trusted"] = type(error).__name__
    return seen


@scenario("aiohttp", "client and server on one loop, Unix socket")
async def client_unix(stage: Stage) -> dict[str, Any]:
    import aiohttp

    path = str(stage.folder / "socket")
    async with Site(stage, path=path) as site:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session:
            return await exercise_client(session, site.url, stage.loop)


@scenario("aiohttp", "client against nginx")
async def client_nginx(stage: Stage) -> dict[str, Any]:
    import aiohttp

    port = stage.free_port()
    large = os.urandom(5_000_000)
    (stage.folder / "large.bin").write_bytes(large)
    (stage.folder / "dropped").write_bytes(b"never sent")
    server = f"""
    server {{
        listen 127.0.0.1:{port};
        root {stage.folder};
        keepalive_requests 7;
        location /dropped {{ return 444; }}
        location /gzip/ {{ alias {stage.folder}/; gzip on; gzip_types *; }}
        location /echo {{ return 200 "$request_method $http_x_name\\n"; }}
    }}"""
    nginx.start(stage, server, port)
    url = f"http://127.0.0.1:{port}"
    seen: dict[str, Any] = {}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/large.bin") as response:
            seen["file"] = [response.status, await response.read() == large]
        async with session.get(f"{url}/gzip/large.bin") as response:
            seen["gzip"] = [response.status, response.headers.get("content-encoding"), await response.read() == large]
        async with session.get(f"{url}/large.bin", headers={"range": "bytes=10-19"}) as response:
            seen["range"] = [response.status, await response.read() == large[10:20]]

        async def echo(index: int) -> str:
            async with session.get(f"{url}/echo", headers={"x-name": str(index)}) as response:
                return str(await response.text())

        # nginx closes each connection after seven requests: the pool must notice in time.
        assert await asyncio.gather(*map(echo, range(300))) == [f"GET {index}\n" for index in range(300)]
        try:
            await session.get(f"{url}/dropped")
        except aiohttp.ServerDisconnectedError as error:
            seen["dropped"] = type(error).__name__
        try:
            await session.get(f"http://127.0.0.1:{stage.free_port()}/")
        except aiohttp.ClientConnectorError as error:
            seen["refused"] = [type(error).__name__, error.errno]
    return seen


@scenario("aiohttp", "its own functional tests", also=("pytest-asyncio", "suites", "trustme"), seconds=900)
def own_suite(stage: Stage) -> dict[str, Any]:
    tests = suite.SOURCES / "aiohttp" / "tests"
    names = ("client_functional", "client_ws_functional", "connector", "run_app", "web_functional")
    names += ("web_sendfile_functional", "web_server", "web_websocket_functional")
    words = [
        "-p",
        "loop_policy",
        "-p",
        "no:cov",
        "-o",
        "addopts=",
        "-o",
        "filterwarnings=",
        "--rootdir",
        str(tests.parent),
    ]
    words += [str(tests / f"test_{name}.py") for name in names]
    return suite.run(stage, *words, limit=800, at_least=500)
