"""Names to addresses and back, for one event loop: literals at once, everything else in threads of the resolver's own.

Both directions call the functions of the ``socket`` module, so the answers and the errors are libc's, whatever
``nsswitch.conf`` says. What differs from asyncio is where they run:

* A question that libc answers without asking anybody (a literal address or no host at all, with a numeric port) is
  put to it in the loop's own thread. It costs microseconds, a trip to a thread costs tens of them, and the answer is
  the same since the call is.
* Any other question waits in this module's thread pool. asyncio uses the loop's default executor for it, where some
  slow name servers can take every thread that ``run_in_executor()`` needs (https://github.com/python/cpython/issues/112169).
"""

from __future__ import annotations

import _socket
import asyncio
import os
import socket
from asyncio import base_events
from collections.abc import Callable
from concurrent.futures import Future as Lookup
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias, TypeVar

_T = TypeVar("_T")

Host: TypeAlias = str | bytes | None
Port: TypeAlias = str | bytes | int | None
SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
ResolvedAddress: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]
NameSocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int] | tuple[str, int, int, int]

THREADS = 32
"""How many lookups of one loop wait for name servers at once; concurrent.futures caps its own default there, too."""

_OTHER_FLAGS = ~int(
    socket.AI_PASSIVE
    | socket.AI_CANONNAME
    | socket.AI_NUMERICHOST
    | socket.AI_NUMERICSERV
    | socket.AI_V4MAPPED
    | socket.AI_ALL
    | socket.AI_ADDRCONFIG
)
"""All flags but those of RFC 3493; for some of them, such as glibc's AI_IDN, libc loads a library first."""

_NUMERIC_NAMES = int(socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)


class Resolver:
    """The lookups of one event loop.

    Its methods belong to the loop's thread. The threads are made when the first name is looked up, and end when the
    loop is closed (``close()``), when the resolver is forgotten, or with the interpreter, which waits for a lookup in
    progress as it does for every thread of ``concurrent.futures``.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0  # the process that made the pool: threads do not live on in the child of a fork
        self._lookups: set[Lookup[Any]] = set()

    async def getaddrinfo(
        self,
        loop: asyncio.AbstractEventLoop,
        host: Host,
        port: Port,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[ResolvedAddress]:
        """Return what ``socket.getaddrinfo(host, port, family, type, proto, flags)`` returns, or raise what it raises.

        In ``loop``'s debug mode the question and the time that the answer took are logged, at level INFO from
        ``loop.slow_callback_duration`` on, by asyncio's own code. Cancelling the call leaves a lookup that has begun
        to its thread and drops the answer.

        Raises ``OSError`` (``socket.gaierror``), ``TypeError`` and ``UnicodeError`` as ``socket.getaddrinfo`` does,
        and ``RuntimeError`` if the loop is closed.
        """
        # The function is looked up where asyncio looks it up, at each call: programs and tests replace it.
        function: Callable[..., list[ResolvedAddress]] = base_events.socket.getaddrinfo  # type: ignore[attr-defined]
        at_once = _is_pythons_own(function) and needs_no_lookup(host, port, flags)
        if loop.get_debug():
            function = loop._getaddrinfo_debug  # type: ignore[attr-defined]
        if at_once:
            return function(host, port, family, type, proto, flags)
        return await self._look_up(loop, function, host, port, family, type, proto, flags)

    async def getnameinfo(
        self, loop: asyncio.AbstractEventLoop, sockaddr: NameSocketAddress, flags: int = 0
    ) -> tuple[str, str]:
        """Return what ``socket.getnameinfo(sockaddr, flags)`` returns, or raise what it raises.

        With both NI_NUMERICHOST and NI_NUMERICSERV nobody is asked, and no thread is needed.
        """
        function: Callable[..., tuple[str, str]] = base_events.socket.getnameinfo  # type: ignore[attr-defined]
        numeric = isinstance(flags, int) and flags & _NUMERIC_NAMES == _NUMERIC_NAMES
        if numeric and function is _socket.getnameinfo:  # not one that a program put in its place
            return function(sockaddr, flags)
        return await self._look_up(loop, function, sockaddr, flags)

    def close(self) -> None:
        """End the threads; lookups in progress are not waited for, their answers are dropped."""
        pool, self._pool = self._pool, None
        if pool is not None:
            # Waiting for idle threads takes no time, and then none is left behind.
            idle = self._process == os.getpid() and all(lookup.done() for lookup in self._lookups)
            pool.shutdown(wait=idle, cancel_futures=True)

    async def _look_up(self, loop: asyncio.AbstractEventLoop, function: Callable[..., _T], *arguments: object) -> _T:
        if loop.is_closed():
            raise RuntimeError("Event loop is closed")
        answer: asyncio.Future[_T] = loop.create_future()
        lookup = self._threads().submit(function, *arguments)
        self._lookups.add(lookup)
        lookup.add_done_callback(self._lookups.discard)
        lookup.add_done_callback(partial(_deliver, loop, answer))
        try:
            return await answer
        finally:
            lookup.cancel()  # of use only if we were cancelled while it waited for a thread

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="tepal-resolver")
            self._process = os.getpid()
            self._lookups = set()
        return self._pool


def needs_no_lookup(host: Host, port: Port, flags: int = 0) -> bool:
    """Whether libc answers this question of ``getaddrinfo()`` without a name service, files included.

    That holds for an address that ``inet_pton()`` accepts (IPv6 also with a zone, ``fe80::1%eth0``) and for no host,
    together with a port number or none. Where this function is in doubt it says no, which costs a thread and no more.
    """
    return _is_literal(host) and _is_number(port) and isinstance(flags, int) and not int(flags) & _OTHER_FLAGS


def _is_literal(host: Host) -> bool:
    if host is None:
        return True
    try:
        text = host.decode("ascii") if isinstance(host, bytes) else host
        if ":" not in text:
            socket.inet_pton(socket.AF_INET, text)
        else:
            # libc reads a zone itself, also one that does not exist, and asks nobody about it (RFC 4007, section 11).
            socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except (OSError, TypeError, ValueError):
        return False
    return True


def _is_number(port: Port) -> bool:
    """Whether ``port`` is none or a port number; libc looks other numbers up in the services database, as names."""
    if isinstance(port, str | bytes):
        return len(port) <= len("65535") and port.isascii() and port.isdigit() and int(port) <= 0xFFFF
    return port is None or (isinstance(port, int) and 0 <= port <= 0xFFFF)


def _is_pythons_own(function: Callable[..., object]) -> bool:
    """Whether ``function`` is the one that the ``socket`` module defines, not one that a program put in its place.

    A wrapper can take over name and module of what it wraps, but not the namespace in which its code runs.
    """
    return getattr(function, "__globals__", None) is vars(socket)


def _deliver(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[_T], lookup: Lookup[_T]) -> None:
    """Hand the end of ``lookup`` over to the loop; runs in the thread that looked up, or in the one that cancelled."""
    try:
        loop.call_soon_threadsafe(_settle, answer, lookup)
    except RuntimeError:
        # Between a check and the call the loop could close, so there is none before. Nobody waits for the answer of a
        # closed loop.
        if not loop.is_closed():
            raise


def _settle(answer: asyncio.Future[_T], lookup: Lookup[_T]) -> None:
    if answer.done():  # cancelled meanwhile
        return
    if lookup.cancelled():
        answer.cancel()
        return
    error = lookup.exception()
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(lookup.result())
