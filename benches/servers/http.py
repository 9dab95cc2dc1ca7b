"""Plaintext over HTTP/1.1 by the two servers that most asyncio programs use, each with its C parser."""

import asyncio
from typing import Any

from servers.server import BACKLOG, HOST

BODY = b"Hello, World!"
_kept: list[Any] = []


async def plaintext(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The smallest ASGI application."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


async def start_uvicorn() -> int:
    """uvicorn with httptools. Raises ModuleNotFoundError where one of them is not installed."""
    import httptools  # noqa: F401
    import uvicorn

    config = uvicorn.Config(
        plaintext,
        host=HOST,
        port=0,
        backlog=BACKLOG,
        http="httptools",
        loop="none",
        lifespan="off",
        access_log=False,
        log_level="error",
    )
    server = uvicorn.Server(config)
    _kept.append(asyncio.create_task(server.serve()))
    while not server.started:
        await asyncio.sleep(0.01)
        if _kept[-1].done():
            _kept[-1].result()
    return int(server.servers[0].sockets[0].getsockname()[1])


async def start_aiohttp() -> int:
    """aiohttp's server. Raises ModuleNotFoundError where it is not installed."""
    from aiohttp import web

    async def handle(request: Any) -> Any:
        return web.Response(body=BODY, content_type="text/plain")

    application = web.Application()
    application.router.add_get("/", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, backlog=BACKLOG).start()
    _kept.append(runner)
    return int(runner.addresses[0][1])
