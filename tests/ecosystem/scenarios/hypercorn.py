"""hypercorn by its own command (`tepal run -m hypercorn`), over HTTP/1.1, HTTP/2, WebSocket and TLS."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from http_requests import Client, exercise, exercise_sockets, exercise_websockets
from program import Program
from scenario import scenario
from stage import Stage


def serve(stage: Stage, port: int, *words: str) -> Program:
    """Starts hypercorn on `port` and waits until it listens."""
    command = (*stage.loop.python, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", *words)
    return stage.python(*command, "asgi_application:application", port=port)


def ended(program: Program) -> dict[str, Any]:
    """Stops a server by SIGTERM; returns how it ended."""
    status = program.terminate()
    return {
        "status": status,
        "tracebacks": program.tracebacks(),
        "stopped": program.text().count("[lifespan.shutdown on"),
    }


@scenario("hypercorn", "HTTP/1.1")
def http(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "--workers", "0")
    client = Client(port)
    return {**exercise(client, stage.loop), **exercise_sockets(client), **ended(program)}


@scenario("hypercorn", "WebSocket")
def websocket(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "--workers", "0")
    return {**exercise_websockets(f"ws://127.0.0.1:{port}", stage.loop), **ended(program)}


@scenario("hypercorn", "TLS: HTTP/1.1, WebSocket and HTTP/2", also=("trustme", "httpx"))
def tls(stage: Stage) -> dict[str, Any]:
    port, certificates = stage.free_port(), stage.certificates
    files = ("--certfile", str(certificates.certificate), "--keyfile", str(certificates.key))
    program = serve(stage, port, "--workers", "0", *files)
    seen = exercise(Client(port, certificates.client()), stage.loop)
    seen |= exercise_websockets(f"wss://localhost:{port}", stage.loop, certificates.client())
    return {**seen, **http_2(stage, port), **ended(program)}


def http_2(stage: Stage, port: int) -> dict[str, Any]:
    """Makes requests over HTTP/2 with httpx's synchronous client, one after the other over one connection."""
    import httpx

    with httpx.Client(http2=True, verify=stage.certificates.client(), timeout=20) as client:
        url = f"https://localhost:{port}"
        stage.loop.check(client.get(f"{url}/describe").text)
        answers = [client.post(f"{url}/digest", content=bytes([index]) * 50_000) for index in range(50)]
        large = client.get(f"{url}/stream/100/50000")
    return {
        "HTTP/2": sorted({answer.http_version for answer in answers}),
        "HTTP/2 bodies": sorted({answer.text.split()[0] for answer in answers}),
        "HTTP/2 stream": len(large.content),
    }


@scenario("hypercorn", "graceful shutdown on SIGTERM")
def graceful_shutdown(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "--workers", "0", "--graceful-timeout", "5")
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
        "in time": time.monotonic() - before < 5,
        "status": exit_status,
        "shutdown": "[lifespan.shutdown on" in program.text(),
        "tracebacks": program.tracebacks(),
    }


@scenario("hypercorn", "two worker processes")
def workers(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "--workers", "2")
    program.wait_until(lambda: program.text().count("[lifespan.startup on") == 2, "both workers had started")
    seen = {**exercise(Client(port), stage.loop), **ended(program)}
    # hypercorn.run ends the others by SIGTERM as soon as one worker is gone: whether the second one gets to its own
    # lifespan.shutdown is a race on any loop.
    return {**seen, "stopped": seen["stopped"] > 0}
