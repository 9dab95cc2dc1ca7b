"""Plaintext over HTTP/1.1, bare and above TLS, by the two servers that most programs use, each with its C parser."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from servers.server import BACKLOG, HOST
from servers.tls import context, make_certificate

BODY = b"Hello, World!"
_kept: list[Any] = []


async def plaintext(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The smallest ASGI application."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


def uvicorn_config(**more: Any) -> Any:
    """How uvicorn is to serve. Raises ModuleNotFoundError where it or httptools is not installed."""
    import httptools  # noqa: F401
    import uvicorn

    return uvicorn.Config(
        plaintext,
        host=HOST,
        port=0,
        backlog=BACKLOG,
        http="httptools",
        loop="none",
        lifespan="off",
        access_log=False,
        log_level="error",
        **more,
    )


async def serve_by_uvicorn(config: Any) -> int:
    """Starts uvicorn, returns its port. Raises what keeps it from listening."""
    import uvicorn

    server = uvicorn.Server(config)
    _kept.append(asyncio.create_task(server.serve()))
    while not server.started:
        await asyncio.sleep(0.01)
        if _kept[-1].done():
            _kept[-1].result()
    return int(server.servers[0].sockets[0].getsockname()[1])


async def start_uvicorn() -> int:
    """uvicorn with httptools. Raises ModuleNotFoundError where one of them is not installed."""
    return await serve_by_uvicorn(uvicorn_config())


async def start_uvicorn_tls() -> int:
    """The same above TLS."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = make_certificate(Path(folder))
        config = uvicorn_config(ssl_keyfile=str(key), ssl_certfile=str(certificate))
        config.load()
    return await serve_by_uvicorn(config)


async def serve_by_aiohttp(**more: Any) -> int:
    """Starts aiohttp's server, returns its port. Raises ModuleNotFoundError where it is not installed."""
    from aiohttp import web

    async def handle(request: Any) -> Any:
        return web.Response(body=BODY, content_type="text/plain")

    application = web.Application()
    application.router.add_get("/", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, backlog=BACKLOG, **more).start()
    _kept.append(runner)
    return int(runner.addresses[0][1])


async def start_aiohttp() -> int:
    """aiohttp's server. Raises ModuleNotFoundError where it is not installed."""
    return await serve_by_aiohttp()


async def start_aiohttp_tls() -> int:
    """The same above TLS."""
    return await serve_by_aiohttp(ssl_context=context())
