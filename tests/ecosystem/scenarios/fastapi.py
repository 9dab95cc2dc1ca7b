"""FastAPI under uvicorn, and under Starlette's TestClient, which runs the application on a loop in a thread."""

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from scenario import scenario
from stage import Stage


def exercise(client: Any) -> dict[str, Any]:
    """Asks everything by an httpx client of either kind; returns what was answered."""
    seen: dict[str, Any] = {}
    for path in ("/thread/7", "/thread/seven", "/stream", "/threaded-stream", "/error", "/nowhere"):
        answer = client.get(path)
        seen[path] = [answer.status_code, answer.text]
    seen["item"] = client.post("/items", json={"name": "chair", "price": 20.5}).json()
    seen["no item"] = client.post("/items", json={"name": "chair"}).status_code
    seen["upload"] = client.post("/upload", files={"file": ("large", bytes(3_000_000))}).json()
    with ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda index: client.get(f"/thread/{index}").json()["number"], range(100))
        seen["many"] = sum(answers)
    return seen


@scenario("fastapi", "under uvicorn: endpoints of both kinds, uploads, streams, WebSocket", also=("uvicorn", "httpx"))
def under_uvicorn(stage: Stage) -> dict[str, Any]:
    import httpx
    from websockets.sync.client import connect

    port = stage.free_port()
    command = ("-m", "uvicorn", "fastapi_application:application", "--loop", stage.loop.factory_name)
    program = stage.python(*command, "--port", str(port), port=port)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        stage.loop.check(client.get("/loop").json())
        seen = exercise(client)
        with connect(f"ws://127.0.0.1:{port}/chat") as socket:
            for text in ("one", "x" * 100_000):
                socket.send(text)
                assert socket.recv(20) == f'{{"heard":"{text}"}}'
        program.wait_printed("[gone 1000]")
        seen["done"] = client.get("/done").json()
    program.signal(signal.SIGTERM)
    seen |= {"status": program.wait(), "tracebacks": program.tracebacks()}
    return {**seen, "gone": "[application gone]" in program.text()}


@scenario("fastapi", "Starlette's TestClient", also=("uvicorn", "httpx"))
def test_client(stage: Stage) -> dict[str, Any]:
    from fastapi.testclient import TestClient
    from fastapi_application import application

    options = {"loop_factory": stage.loop.factory}
    with TestClient(application, backend_options=options) as client:
        stage.loop.check(client.get("/loop").json())
        seen = exercise(client)
        with client.websocket_connect("/chat") as socket:
            for text in ("one", "x" * 100_000):
                socket.send_text(text)
                assert socket.receive_json() == {"heard": text}
        seen["done"] = client.get("/done").json()
    return seen
