"""Django under uvicorn: asgiref carries calls from the loop to threads, and from threads back to the loop."""

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from http_requests import Client
from scenario import scenario
from stage import Stage


@scenario("django", "ASGI under uvicorn: views and middleware of both kinds, streaming", also=("uvicorn",))
def under_uvicorn(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    command = ("-m", "uvicorn", "django_application:application", "--loop", stage.loop.factory_name)
    program = stage.python(*command, "--port", str(port), "--lifespan", "off", port=port)
    client = Client(port)
    stage.loop.check(client.ask("GET", "/loop")[1].decode())
    seen: dict[str, Any] = {}
    both = ("/sync-to-async-to-sync", "/async-to-sync-to-async")
    for path in ("/sync", "/async", *both, "/cookie", "/nowhere", "/error"):
        status, body, _ = client.ask("GET", path)
        seen[path] = [status, body.decode() if status == 200 else len(body) > 0]
    status, body, _ = client.ask("GET", "/stream")
    seen["stream"] = [status, len(body), body[-5:].decode()]
    with ThreadPoolExecutor(20) as threads:
        answers = threads.map(lambda index: client.ask("GET", f"/{'a' * (index % 2)}sync?{index}")[0], range(100))
        seen["many"] = sum(status == 404 for status in answers)
        answers = threads.map(lambda index: client.ask("GET", "/mixed")[1].decode(), range(60))
        seen["mixed"] = sorted(set(answers))
    program.signal(signal.SIGTERM)
    return {**seen, "status": program.wait(), "tracebacks": program.tracebacks()}
