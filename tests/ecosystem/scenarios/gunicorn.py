"""gunicorn with uvicorn's worker, with aiohttp's and with its own for ASGI."""

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from http_requests import Client, exercise, exercise_websockets
from program import Program
from scenario import scenario
from stage import Stage


def serve(stage: Stage, port: int, worker: str, application: str) -> Program:
    """Starts gunicorn with two worker processes and waits until they have started."""
    command = (*stage.loop.python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2")
    words = (*command, "--worker-class", worker, "--graceful-timeout", "10", application)
    program = stage.python(*words, port=port, ECOSYSTEM_LOOP=stage.loop.name)
    program.wait_until(lambda: program.text().count("[lifespan.startup on") == 2, "both workers had started")
    return program


def ended(program: Program, client: Client) -> dict[str, Any]:
    """Stops a server by SIGTERM with a request under way; returns how it ended."""
    with ThreadPoolExecutor() as threads:
        under_way = threads.submit(client.ask, "GET", "/sleep/0.7")
        program.wait_printed("[asleep]")
        program.signal(signal.SIGTERM)
        answer = under_way.result()[:2]
    status = program.wait()
    return {
        "the request under way": [answer[0], answer[1].decode()],
        "status": status,
        "tracebacks": program.tracebacks(),
        "stopped": program.text().count("[lifespan.shutdown on"),
    }


@scenario("gunicorn", "uvicorn's worker", also=("uvicorn",))
def uvicorn_worker(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "gunicorn_workers.Worker", "asgi_application:application")
    client = Client(port)
    seen = exercise(client, stage.loop) | exercise_websockets(f"ws://127.0.0.1:{port}", stage.loop)
    return {**seen, **ended(program, client)}


@scenario("gunicorn", "aiohttp's worker", also=("aiohttp",))
def aiohttp_worker(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "aiohttp.GunicornWebWorker", "aiohttp_application:application()")
    client = Client(port)
    seen = exercise(client, stage.loop) | exercise_websockets(f"ws://127.0.0.1:{port}", stage.loop)
    return {**seen, **ended(program, client)}


@scenario("gunicorn", "its own worker for ASGI")
def asgi_worker(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    program = serve(stage, port, "asgi", "asgi_application:application")
    client = Client(port)
    return {**exercise(client, stage.loop), **ended(program, client)}
