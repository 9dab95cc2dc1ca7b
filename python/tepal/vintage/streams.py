"""Streams with ``loop=``, and with generators as the coroutines that handle a server's clients."""

from __future__ import annotations

import asyncio
import inspect
import types
from collections.abc import Callable, Generator
from typing import Any

from tepal.vintage.coroutines import mark
from tepal.vintage.policy import checked
from tepal.vintage.tasks import ensure_future

__all__ = (
    "StreamReader",
    "StreamReaderProtocol",
    "open_connection",
    "open_unix_connection",
    "start_server",
    "start_unix_server",
)

LIMIT = 2**16  # bytes; asyncio's own


class _ReaderKind(type):
    """``isinstance()`` says yes to the readers that asyncio's functions make."""

    def __instancecheck__(cls, instance: object) -> bool:
        return (
            isinstance(instance, asyncio.StreamReader) if cls is StreamReader else super().__instancecheck__(instance)
        )


class StreamReader(asyncio.StreamReader, metaclass=_ReaderKind):
    """``asyncio.StreamReader`` that may be made before a loop runs."""

    def __init__(self, limit: int = LIMIT, loop: Any = None) -> None:
        super().__init__(limit=limit, loop=checked(loop))


class StreamReaderProtocol(asyncio.StreamReaderProtocol):
    """``asyncio.StreamReaderProtocol`` whose callback may be a generator function."""

    def __init__(self, stream_reader: Any, client_connected_cb: Any = None, loop: Any = None) -> None:
        super().__init__(stream_reader, _starting(client_connected_cb), loop=checked(loop))


def _starting(client_connected_cb: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Let a callback that gives a generator have a Task made of it; asyncio itself sees to native coroutines only."""
    if client_connected_cb is None:
        return None

    def client_connected(reader: Any, writer: Any) -> Any:
        result = client_connected_cb(reader, writer)
        if not inspect.isgenerator(result):
            return result
        ensure_future(result)
        return None

    return client_connected


@mark
@types.coroutine
def open_connection(
    host: Any = None, port: Any = None, *, loop: Any = None, limit: int = LIMIT, **kwargs: Any
) -> Generator[Any, Any, Any]:
    """Connect and return a ``StreamReader`` and a ``StreamWriter``; in the loop that runs, whatever ``loop`` is."""
    checked(loop)
    return (yield from asyncio.open_connection(host, port, limit=limit, **kwargs))


@mark
@types.coroutine
def start_server(
    client_connected_cb: Any,
    host: Any = None,
    port: Any = None,
    *,
    loop: Any = None,
    limit: int = LIMIT,
    **kwargs: Any,
) -> Generator[Any, Any, Any]:
    """Listen, and call ``client_connected_cb(reader, writer)`` for each client; a coroutine of any time is run."""
    checked(loop)
    return (yield from asyncio.start_server(_starting(client_connected_cb), host, port, limit=limit, **kwargs))  # type: ignore[arg-type]


@mark
@types.coroutine
def open_unix_connection(
    path: Any = None, *, loop: Any = None, limit: int = LIMIT, **kwargs: Any
) -> Generator[Any, Any, Any]:
    """As ``open_connection()``, to a Unix socket."""
    checked(loop)
    return (yield from asyncio.open_unix_connection(path, limit=limit, **kwargs))


@mark
@types.coroutine
def start_unix_server(
    client_connected_cb: Any, path: Any = None, *, loop: Any = None, limit: int = LIMIT, **kwargs: Any
) -> Generator[Any, Any, Any]:
    """As ``start_server()``, on a Unix socket."""
    checked(loop)
    return (yield from asyncio.start_unix_server(_starting(client_connected_cb), path, limit=limit, **kwargs))  # type: ignore[arg-type]
