"""The routes of asgi_application as an aiohttp server; as a program: `aiohttp_application.py LOOP PORT [CERT KEY]`."""

import asyncio
import hashlib
import json
import ssl
import sys
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web
from subject import SUBJECTS, describe


async def tell(_: web.Request) -> web.Response:
    """Says what loop this is."""
    return web.Response(text=describe())


async def digest(request: web.Request) -> web.Response:
    """Answers with the length and the SHA-256 of the request's body."""
    length, sha = 0, hashlib.sha256()
    async for piece in request.content.iter_any():
        length += len(piece)
        sha.update(piece)
    return web.Response(text=f"{length} {sha.hexdigest()}")


async def stream(request: web.Request) -> web.StreamResponse:
    """Sends pieces of one letter each."""
    response = web.StreamResponse(headers={"content-type": "text/plain"})
    await response.prepare(request)
    for index in range(int(request.match_info["count"])):
        await response.write(bytes([97 + index % 26]) * int(request.match_info["size"]))
    return response


async def sleep(request: web.Request) -> web.Response:
    """Answers after some seconds."""
    print("[asleep]", flush=True)
    await asyncio.sleep(float(request.match_info["seconds"]))
    return web.Response(text="slept")


async def fail(_: web.Request) -> web.Response:
    """Fails."""
    raise RuntimeError("this request is meant to fail")


async def scope(request: web.Request) -> web.Response:
    """Answers with what the request was."""
    headers = sorted([name.lower(), value] for name, value in request.headers.items() if name.lower() != "host")
    seen = {"method": request.method, "path": request.path, "query": dict(request.query), "headers": headers}
    return web.Response(text=json.dumps(seen))


async def redirect(_: web.Request) -> web.Response:
    """Sends the client to /cookie, with a cookie."""
    response = web.HTTPFound("/cookie")
    response.set_cookie("taste", "sweet")
    raise response


async def cookie(request: web.Request) -> web.Response:
    """Answers with the cookie that /redirect gave."""
    return web.Response(text=request.cookies.get("taste", "none"))


async def file(request: web.Request) -> web.FileResponse:
    """Sends the file that the application was given, by sendfile() where it can."""
    return web.FileResponse(request.app[FILE])


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Sends back what comes; on the text `close` it closes with 4001."""
    response = web.WebSocketResponse(max_msg_size=2**23)
    await response.prepare(request)
    await response.send_str(describe())
    async for message in response:
        if message.type == WSMsgType.TEXT and message.data == "close":
            await response.close(code=4001, message=b"as you wish")
        elif message.type == WSMsgType.TEXT:
            await response.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await response.send_bytes(message.data)
    return response


async def life(_: web.Application) -> AsyncIterator[None]:
    """Says when the server starts and stops the application."""
    print(f"[lifespan.startup on {describe()}]", flush=True)
    yield
    print(f"[lifespan.shutdown on {describe()}]", flush=True)


FILE = web.AppKey("file", str)


def application(path: str = __file__) -> web.Application:
    """Returns a new application; `path` is the file that /file sends."""
    made = web.Application(client_max_size=2**26)
    made[FILE] = path
    made.cleanup_ctx.append(life)
    made.add_routes(
        [
            web.get("/describe", tell),
            web.post("/digest", digest),
            web.get("/stream/{count}/{size}", stream),
            web.get("/sleep/{seconds}", sleep),
            web.get("/fail", fail),
            web.get("/scope/", scope),
            web.get("/redirect", redirect),
            web.get("/cookie", cookie),
            web.get("/file", file),
            web.get("/", websocket),
        ]
    )
    return made


def main() -> None:
    """Serves as the command line says."""
    name, port, *files = sys.argv[1:]
    context = None
    if files:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
    web.run_app(
        application(), host="127.0.0.1", port=int(port), loop=SUBJECTS[name].factory(), ssl_context=context, print=None
    )


if __name__ == "__main__":
    main()
