"""granian by its own command (`tepal run -m granian`): its sockets are Rust, its callbacks run on the loop."""

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from http_requests import Client, exercise, exercise_websockets
from program import Program
from scenario import scenario
from stage import Stage


def serve(stage: Stage, port: int, *words: str) -> Program:
    """Starts granian on `port` and waits until its worker processes have started."""
    command = (*stage.loop.python, "-m", "granian", "--interface", "asgi", "--loop", "asyncio", "--host", "127.0.0.1")
    workers = 2 if "--workers" in words else 1
    program = stage.python(*command, "--port", str(port), *words, "asgi_application:application")
    program.wait_until(lambda: program.text().count("[lifespan.startup on") == workers, "its workers had started")
    program.wait_listening(("127.0.0.1", port))
    return program


def ended(program: Program) -> dict[str, Any]:
    """Stops a server by SIGTERM; returns how it ended."""
    status = program.terminate()
    return {
        "status": status,
        "tracebacks": program.tracebacks(),
        "stopped": program.text().count("[lifespan.shutdown on"),
    }


@scenario("granian", "HTTP/1.1 and WebSocket")
def http(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port)
    seen = exercise(Client(port), stage.loop)
    return {**seen, **exercise_websockets(f"ws://127.0.0.1:{port}", stage.loop), **ended(program)}


@scenario("granian", "tasks in Rust (--task-impl rust)")
def rust_tasks(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "--task-impl", "rust")
    client = Client(port)
    answers = [client.ask("GET", "/stream/10/1000")[0], client.ask("POST", "/digest", bytes(100_000))[0]]
    return {"answers": answers, "slept": client.ask("GET", "/sleep/0.05")[1].decode(), **ended(program)}


@scenario("granian", "TLS and two worker processes", also=("trustme",))
def tls(stage: Stage) -> dict[str, Any]:
    port, certificates = stage.free_port(), stage.certificates
    files = ("--ssl-certificate", str(certificates.certificate), "--ssl-keyfile", str(certificates.key))
    program = serve(stage, port, "--workers", "2", *files)
    return {**exercise(Client(port, certificates.client()), stage.loop), **ended(program)}


@scenario("granian", "graceful shutdown on SIGTERM")
def graceful_shutdown(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port)
    client = Client(port)
    with ThreadPoolExecutor() as threads:
        under_way = threads.submit(client.ask, "GET", "/sleep/1.0")
        program.wait_printed("[asleep]")
        program.signal(signal.SIGTERM)
        status, body, _ = under_way.result()
    return {
        "the request under way": [status, body.decode()],
        "status": program.wait(),
        "shutdown": "[lifespan.shutdown on" in program.text(),
        "tracebacks": program.tracebacks(),
    }
