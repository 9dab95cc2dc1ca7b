"""An ASGI application without a framework: what servers are asked for in scenarios/asgi_requests.py."""

import asyncio
import hashlib
import json
from typing import Any

from subject import describe


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serves the lifespan protocol, HTTP and WebSockets."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await websocket(scope, receive, send)
    else:
        await http(scope, receive, send)


async def lifespan(receive: Any, send: Any) -> None:
    """Says on standard output when the server starts it and when it stops it."""
    while True:
        message = await receive()
        print(f"[{message['type']} on {describe()}]", flush=True)
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers by the first part of the path."""
    action = scope["path"].strip("/").split("/")
    if action[0] == "describe":
        await answer(send, describe().encode())
    elif action[0] == "digest":
        await digest(receive, send)
    elif action[0] == "stream":
        await stream(send, int(action[1]), int(action[2]))
    elif action[0] == "sleep":
        print("[asleep]", flush=True)
        await asyncio.sleep(float(action[1]))
        await answer(send, b"slept")
    elif action[0] == "fail":
        raise RuntimeError("this request is meant to fail")
    elif action[0] == "scope":
        seen = {name: scope.get(name) for name in ("type", "http_version", "method", "scheme", "path")}
        seen["query"] = scope["query_string"].decode()
        seen["headers"] = sorted([name.decode(), value.decode()] for name, value in scope["headers"] if name != b"host")
        await answer(send, json.dumps(seen).encode())
    elif action[0] == "patience":
        await patience(receive)
    else:
        await answer(send, b"no such path", 404)


async def answer(send: Any, body: bytes, status: int = 200) -> None:
    """Sends a whole answer."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def digest(receive: Any, send: Any) -> None:
    """Answers with the length and the SHA-256 of the request's body."""
    length, sha = 0, hashlib.sha256()
    more = True
    while more:
        message = await receive()
        body = message.get("body", b"")
        length += len(body)
        sha.update(body)
        more = message.get("more_body", False)
    await answer(send, f"{length} {sha.hexdigest()}".encode())


async def stream(send: Any, count: int, size: int) -> None:
    """Sends `count` pieces of `size` bytes, each of one letter, without telling the length beforehand."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for index in range(count):
        await send({"type": "http.response.body", "body": bytes([97 + index % 26]) * size, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def patience(receive: Any) -> None:
    """Waits for the client to go away, and says so on standard output."""
    print("[waiting]", flush=True)
    while (await receive())["type"] != "http.disconnect":
        pass
    print("[disconnected]", flush=True)


async def websocket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Sends back what comes; on /refuse it does not accept, on the text `close` it closes with 4001."""
    assert (await receive())["type"] == "websocket.connect"
    if scope["path"] == "/refuse":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": describe()})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4001, "reason": "as you wish"})
            return
        if message.get("text") is not None:
            await send({"type": "websocket.send", "text": message["text"]})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})
    print(f"[websocket gone: {message.get('code')}]", flush=True)
