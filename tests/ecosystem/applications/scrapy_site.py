"""A site to crawl: a tree of pages, some slow, some broken."""

import asyncio
import sys

from aiohttp import web


async def page(request: web.Request) -> web.Response:
    """A page with links to two more."""
    number = int(request.match_info["number"])
    if number % 17 == 16:
        await asyncio.sleep(0.05)
    if number % 31 == 30:
        raise web.HTTPServiceUnavailable
    links = "".join(f'<a href="/{child}">{child}</a>' for child in (2 * number + 1, 2 * number + 2) if child < 250)
    return web.Response(text=f"<html><h1>{number}</h1>{links}{'x' * 5000}</html>", content_type="text/html")


application = web.Application()
application.router.add_get("/{number}", page)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
