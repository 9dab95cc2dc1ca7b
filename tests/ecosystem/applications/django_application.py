"""A Django project in one file, with views of both kinds that call each other through asgiref."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import django
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils.decorators import sync_and_async_middleware
from subject import describe

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="not secret",
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        f"{__name__}.counting",
        f"{__name__}.Synchronous",
    ],
    LOGGING_CONFIG=None,
)
django.setup()
local = threading.local()


@sync_and_async_middleware
def counting(get_response: Any) -> Any:
    """Middleware of both kinds."""
    if asyncio.iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest) -> Any:
            await asyncio.sleep(0)
            return await get_response(request)

        return middleware
    return get_response


class Synchronous:
    """Middleware of the old kind, for which Django leaves the loop and comes back to it."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        response["x-middleware"] = "synchronous"
        return response


async def loop(request: HttpRequest) -> HttpResponse:
    return HttpResponse(describe())


def sync(request: HttpRequest) -> HttpResponse:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return HttpResponse("no loop in this thread")
    return HttpResponse("a loop")


async def asynchronous(request: HttpRequest) -> HttpResponse:
    numbers = await asyncio.gather(*(number(index) for index in range(5)))
    return HttpResponse(str(numbers))


async def number(index: int) -> int:
    await asyncio.sleep(0.001 * (5 - index))
    return index


async def inner() -> str:
    await asyncio.sleep(0.001)
    task = asyncio.current_task()
    return f"inner task {task is not None}, threads {await sync_to_async(same_thread)()}"


def same_thread() -> bool:
    """Tells whether all code that must share a thread does: a connection to a database would not work else."""
    first = getattr(local, "ident", None)
    local.ident = threading.get_ident()
    return first in (None, local.ident)


async def out_and_back(request: HttpRequest) -> HttpResponse:
    # asgiref runs `inner` on this very loop, although a thread asks for it.
    return HttpResponse(await sync_to_async(async_to_sync(inner))())


def back_and_out(request: HttpRequest) -> HttpResponse:
    return HttpResponse(async_to_sync(inner)())


async def mixed(request: HttpRequest) -> HttpResponse:
    both = sync_to_async(async_to_sync(inner), thread_sensitive=False)
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(both() for _ in range(3)))
    return HttpResponse(" / ".join(answers))


async def cookie(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("a cookie")
    await sync_to_async(response.set_cookie)("name", "value")
    return response


async def error(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    raise ValueError("as asked")


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for index in range(200):
            await asyncio.sleep(0)
            yield b"%d" % index * 100
        yield b"last\n"

    return StreamingHttpResponse(parts())


urlpatterns = [
    path("loop", loop),
    path("sync", sync),
    path("async", asynchronous),
    path("sync-to-async-to-sync", out_and_back),
    path("async-to-sync-to-async", back_and_out),
    path("mixed", mixed),
    path("cookie", cookie),
    path("error", error),
    path("stream", stream),
]
application = get_asgi_application()
