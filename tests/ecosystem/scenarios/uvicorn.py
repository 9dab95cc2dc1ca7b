"""uvicorn, started by its own command as its users start it: `uvicorn --loop tepal:new_event_loop`."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import suite
from http_requests import Client, exercise, exercise_sockets, exercise_websockets
from program import Program
from scenario import scenario
from services import nginx
from stage import Stage


def serve(stage: Stage, port: int, *words: str) -> Program:
    """Starts uvicorn on `port` and waits until it listens."""
    command = ("-m", "uvicorn", "asgi_application:application", "--loop", stage.loop.factory_name)
    return stage.python(*command, "--port", str(port), *words, port=port)


def ended(program: Program) -> dict[str, Any]:
    """Stops a server by SIGTERM; returns how it ended."""
    status = program.terminate()
    return {"status": status, "tracebacks": program.tracebacks(), "shutdown": "[lifespan.shutdown on" in program.text()}


@scenario("uvicorn", "HTTP/1.1, h11")
def http_h11(stage: Stage) -> dict[str, Any]:
    return http(stage, "h11")


@scenario("uvicorn", "HTTP/1.1, httptools")
def http_httptools(stage: Stage) -> dict[str, Any]:
    return http(stage, "httptools")


def http(stage: Stage, parser: str) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "--http", parser)
    client = Client(port)
    return {**exercise(client, stage.loop), **exercise_sockets(client), **ended(program)}


@scenario("uvicorn", "WebSocket, websockets")
def websocket(stage: Stage) -> dict[str, Any]:
    return websockets_by(stage, "websockets")


@scenario("uvicorn", "WebSocket, websockets-sansio")
def websocket_sansio(stage: Stage) -> dict[str, Any]:
    return websockets_by(stage, "websockets-sansio")


def websockets_by(stage: Stage, implementation: str) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "--ws", implementation)
    return {**exercise_websockets(f"ws://127.0.0.1:{port}", stage.loop), **ended(program)}


@scenario("uvicorn", "TLS: HTTP and WebSocket", also=("trustme",))
def tls(stage: Stage) -> dict[str, Any]:
    port, certificates = stage.free_port(), stage.certificates
    program = serve(
        stage, port, "--ssl-certfile", str(certificates.certificate), "--ssl-keyfile", str(certificates.key)
    )
    seen = exercise(Client(port, certificates.client()), stage.loop)
    seen |= exercise_websockets(f"wss://localhost:{port}", stage.loop, certificates.client())
    return {**seen, **ended(program)}


@scenario("uvicorn", "graceful shutdown on SIGTERM")
def graceful_shutdown(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port)
    client = Client(port)
    idle = client.connection()
    idle.request("GET", "/describe")
    stage.loop.check(idle.getresponse().read().decode())
    with ThreadPoolExecutor() as threads:
        under_way = threads.submit(client.ask, "GET", "/sleep/1.0")
        program.wait_printed("[asleep]")
        before = time.monotonic()
        program.signal(signal.SIGTERM)
        program.wait_printed("Waiting for connections to close")  # said when it has closed its listening sockets
        refused = client_is_refused(client)
        status, body, _ = under_way.result()
    exit_status = program.wait()
    return {
        "the request under way": [status, body.decode()],
        "a new connection is refused": refused,
        "waited for it": 0.3 < time.monotonic() - before < 5,
        "shutdown came last": program.text().index("[lifespan.shutdown on") > program.text().index("[asleep]"),
        "idle connection": idle.sock is not None and idle.sock.recv(1) == b"",
        "status": exit_status,
        "tracebacks": program.tracebacks(),
    }


def client_is_refused(client: Client) -> bool:
    """Tells whether a server takes no new connection."""
    try:
        client.socket().close()
    except ConnectionRefusedError:
        return True
    return False


@scenario("uvicorn", "SIGINT, a request that outlasts --timeout-graceful-shutdown")
def shutdown_timeout(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "--timeout-graceful-shutdown", "1")
    client = Client(port)
    with ThreadPoolExecutor() as threads:
        under_way = threads.submit(client.ask, "GET", "/sleep/30")
        program.wait_printed("[asleep]")
        program.signal(signal.SIGINT)
        status = program.wait()
        error = under_way.exception()
        answered = None if error else under_way.result()[0]
    return {
        "status": status,
        "client": type(error).__name__,
        "answer": answered,
        "cancelled": "Cancel 1" in program.text(),
    }


@scenario("uvicorn", "the client goes away")
def disconnect(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port)
    with Client(port).socket() as connection:
        connection.sendall(b"GET /patience HTTP/1.1\r\nhost: here\r\n\r\n")
        program.wait_printed("[waiting]")
    program.wait_printed("[disconnected]", limit=10)
    return ended(program)


@scenario("uvicorn", "Unix socket")
def unix_socket(stage: Stage) -> dict[str, Any]:
    path = str(stage.folder / "socket")
    command = ("-m", "uvicorn", "asgi_application:application", "--loop", stage.loop.factory_name, "--uds", path)
    program = stage.python(*command)
    program.wait_listening(path)
    client = Client(0, path=path)
    stage.loop.check(client.describe())
    return {"keep-alive": keep(client), **ended(program)}


def keep(client: Client) -> list[int]:
    """Makes a hundred requests on one connection."""
    from http_requests import keep_alive

    return keep_alive(client, 100)


@scenario("uvicorn", "two worker processes")
def workers(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "--workers", "2")
    program.wait_until(lambda: program.text().count("[lifespan.startup on") == 2, "both workers had started")
    client = Client(port)
    seen = exercise(client, stage.loop)
    seen |= ended(program)
    seen["workers stopped"] = program.text().count("[lifespan.shutdown on")
    return seen


@scenario("uvicorn", "behind nginx: HTTP and WebSocket")
def behind_nginx(stage: Stage) -> dict[str, Any]:
    port, front = stage.free_ports(2)
    program = serve(stage, port, "--proxy-headers")
    server = f"""
    upstream application {{ server 127.0.0.1:{port}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{front};
        location / {{
            proxy_pass http://application;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
            proxy_set_header X-Forwarded-Proto https;
        }}
    }}"""
    nginx.start(stage, server, front)
    seen = exercise(Client(front), stage.loop)
    seen |= exercise_websockets(f"ws://127.0.0.1:{front}", stage.loop)
    return {**seen, **ended(program)}


@scenario("uvicorn", "its own test suite", also=("anyio", "suites", "trustme"), seconds=600)
def own_suite(stage: Stage) -> dict[str, Any]:
    source = suite.SOURCES / "uvicorn"
    words = ["-p", "loop_policy", "-p", "no:asyncio", "-o", "addopts=", "-o", "filterwarnings="]
    words += ["--rootdir", str(source), "--ignore", str(source / "tests" / "benchmarks"), str(source / "tests")]
    return suite.run(stage, *words, limit=500, at_least=500)
