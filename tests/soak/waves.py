"""Waves of conversations on one loop, with a stillness after each in which everything is counted."""

import asyncio
import contextlib
import functools
import gc
import os
import pipes
import random
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import contexts
import leaks
from certificates import made
from conversation import HEADER, KINDS, Plan, Side, check_done, make_plan, run_side
from ends import FAULTS, BufferedEnd, ProtocolEnd, SockEnd, StreamsEnd, Wire

HOST = "127.0.0.1"
PROGRESS_LIMIT = 120.0
"""Seconds in which a conversation has to send or receive something, however slow the machine; else it hangs."""
TLS_LIMITS = {"ssl_handshake_timeout": PROGRESS_LIMIT, "ssl_shutdown_timeout": 10 * PROGRESS_LIMIT}
"""A slow reader keeps a server that closes waiting for all it takes, and asyncio's limit is no more than 30 s."""
STILL_LIMIT = 30.0
"""Seconds for the servers to notice that all clients are gone."""


@dataclass
class Stillness:
    """What is there when no conversation is under way."""

    blocks: int
    """Small objects of the interpreter."""
    heap: int
    """Bytes that native code holds."""
    resident: int
    """Bytes of memory that the process holds."""


class Soak:
    """Servers of every kind on the running loop, and the waves of clients that come to them."""

    def __init__(self, seed: int, at_once: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.rng = random.Random(seed)
        self.at_once = at_once
        self.plans: dict[int, Plan] = {}
        self.started = self.bytes = 0
        self.addresses: dict[tuple[str, str], Any] = {}
        self.serving: set[asyncio.Task[None]] = set()
        self.servers: list[Any] = []
        self.folder = tempfile.TemporaryDirectory()
        self.own_tasks: set[Any] = set()
        self.descriptors: dict[int, str] = {}
        self.server_context = contexts.server_context(made())
        self.client_context = contexts.client_context(made())

    # Servers.

    def serve(self, wire: Wire) -> None:
        """Start the server's side of a new connection."""
        task = self.loop.create_task(self.serve_one(wire))
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)

    async def serve_one(self, wire: Wire) -> None:
        """Read which plan it is, then follow it."""
        header = b""
        try:
            while len(header) < HEADER:
                data = await wire.receive(HEADER - len(header))
                if not data:
                    raise ConnectionResetError
                header += data
        except ConnectionError:
            wire.abort()
            return
        plan = self.plans[int.from_bytes(header, "big")]
        plan.server_done = await run_side(Side(plan, "server", wire))

    async def serve_streams(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As `serve`; the Task is that of the stream server."""
        self.serve(StreamsEnd(reader, writer))

    async def accept(self, listener: socket.socket) -> None:
        """The server by ``sock_accept``."""
        with listener:
            while True:
                sock, _ = await self.loop.sock_accept(listener)
                sock.setblocking(False)
                self.serve(SockEnd(self.loop, sock))

    def listener(self, family: str, kind: str) -> socket.socket:
        """A listening socket, whose address clients find in `addresses`."""
        if family == "unix":
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(os.path.join(self.folder.name, kind))
        else:
            sock = socket.socket()
            sock.bind((HOST, 0))
        sock.listen(1024)
        sock.setblocking(False)
        self.addresses[family, kind] = sock.getsockname()
        return sock

    async def open(self) -> None:
        """Start all servers, and count what is there before the first client."""
        kinds: dict[str, Callable[[socket.socket], Awaitable[Any]]] = {
            "protocol": lambda sock: self.start(sock, lambda: ProtocolEnd(self.loop, self.serve)),
            "buffered": lambda sock: self.start(sock, lambda: BufferedEnd(self.loop, self.serve)),
            "streams": self.start_streams,
        }
        for family in ("tcp", "unix"):
            for kind, start in kinds.items():
                self.servers.append(await start(self.listener(family, kind)))
            self.own_tasks.add(self.loop.create_task(self.accept(self.listener(family, "sock"))))
        for kind, start in kinds.items():
            self.servers.append(await start(self.listener("tls", kind)))
        self.own_tasks.add(asyncio.current_task())
        self.descriptors = leaks.open_descriptors()

    async def start(self, sock: socket.socket, factory: Callable[[], Any]) -> Any:
        """A server of protocols."""
        create = self.loop.create_unix_server if sock.family == socket.AF_UNIX else self.loop.create_server
        return await create(factory, sock=sock, **self.tls_of(sock))

    async def start_streams(self, sock: socket.socket) -> Any:
        """A server of streams."""
        start = asyncio.start_unix_server if sock.family == socket.AF_UNIX else asyncio.start_server
        return await start(self.serve_streams, sock=sock, **self.tls_of(sock))

    def tls_of(self, listener: socket.socket) -> dict[str, Any]:
        """What makes a TLS server of the server at ``listener``; nothing if it is a plain one."""
        secure = listener.getsockname() in [self.addresses.get(("tls", kind)) for kind in KINDS]
        return {"ssl": self.server_context, **TLS_LIMITS} if secure else {}

    async def close(self) -> None:
        """Stop all servers."""
        for server in self.servers:
            server.close()
            await server.wait_closed()
        self.own_tasks.discard(asyncio.current_task())
        for task in self.own_tasks:
            task.cancel()
        await asyncio.gather(*self.own_tasks, return_exceptions=True)
        self.folder.cleanup()

    # Clients.

    async def connect(self, plan: Plan) -> Wire:
        """The client's end of a new connection."""
        if plan.family in ("pipe", "process"):
            return await pipes.connect(plan.family, plan.client, plan.server, self.serve)
        if plan.family == "tls":
            return await self.connect_tls(plan)
        address = self.addresses[plan.family, plan.server]
        unix = plan.family == "unix"
        if plan.client == "streams":
            opened = asyncio.open_unix_connection(address) if unix else asyncio.open_connection(*address)
            return StreamsEnd(*await opened)
        if plan.client == "sock":
            sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
            sock.setblocking(False)
            try:
                await self.loop.sock_connect(sock, address)
            except BaseException:
                sock.close()
                raise
            return SockEnd(self.loop, sock)
        end = ProtocolEnd if plan.client == "protocol" else BufferedEnd
        if unix:
            _, protocol = await self.loop.create_unix_connection(lambda: end(self.loop), address)
        else:
            _, protocol = await self.loop.create_connection(lambda: end(self.loop), *address)
        return protocol

    async def connect_tls(self, plan: Plan) -> Wire:
        """The client's end of a new TLS connection; in the place of sockets, which have no TLS, there are streams."""
        host, port = self.addresses["tls", "streams" if plan.server == "sock" else plan.server]
        options: dict[str, Any] = {"ssl": self.client_context, "server_hostname": "localhost", **TLS_LIMITS}
        if plan.client in ("streams", "sock"):
            return StreamsEnd(*await asyncio.open_connection(host, port, **options))
        end = ProtocolEnd if plan.client == "protocol" else BufferedEnd
        _, protocol = await self.loop.create_connection(lambda: end(self.loop), host, port, **options)
        return protocol

    async def converse(self, plan: Plan) -> None:
        """The client's side of one conversation."""
        try:
            async with asyncio.timeout(PROGRESS_LIMIT) as limit:
                if plan.end == "client vanishes":
                    connecting = self.loop.create_task(self.connect(plan))
                    await asyncio.sleep(0)
                    connecting.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        (await connecting).abort()
                    return
                wire = await self.connect(plan)
                await wire.send([plan.number.to_bytes(HEADER, "big")])
                side = Side(plan, "client", wire, functools.partial(self.moved, limit))
                plan.client_done = await run_side(side)
                self.bytes += side.outgoing.done + side.incoming.done
        except TimeoutError:
            plan.faults.append("no end in sight")
        except Exception as error:
            plan.faults.append(f"client: {error!r}")

    def moved(self, limit: asyncio.Timeout) -> None:
        """Give a conversation that has sent or received something its time anew."""
        if not limit.expired():
            limit.reschedule(self.loop.time() + PROGRESS_LIMIT)

    async def wave(self, count: int) -> Stillness:
        """``count`` conversations, at most `at_once` at a time, then stillness."""
        fresh = []
        for _ in range(count):
            self.started += 1
            fresh.append(make_plan(self.started, self.rng))
        self.plans = {plan.number: plan for plan in fresh}
        waiting = list(fresh)

        async def client() -> None:
            while waiting:
                await self.converse(waiting.pop())

        await asyncio.gather(*(client() for _ in range(min(self.at_once, count))))
        await self.become_still()
        for plan in fresh:
            check_done(plan)
        self.plans = {}
        del fresh, waiting
        return self.count()

    async def become_still(self) -> None:
        """Wait until the servers have noticed that nobody is there any more."""
        deadline = time.monotonic() + STILL_LIMIT
        while True:
            # Two collections with turns in between: what one frees may schedule what the next one frees.
            for _ in range(3):
                await asyncio.sleep(0)
                gc.collect()
            tasks = asyncio.all_tasks() - self.own_tasks
            descriptors = leaks.open_descriptors()
            left = {fd: name for fd, name in descriptors.items() if self.descriptors.get(fd) != name}
            processes = pipes.children()
            if not tasks and not left and not self.serving and not processes:
                return
            if time.monotonic() > deadline:
                FAULTS.extend(f"a process is left: {process}" for process in list(processes)[:5])
                FAULTS.extend(f"a Task is left: {task!r}" for task in list(tasks)[:5])
                FAULTS.extend(f"a descriptor is left: {fd}, {name}" for fd, name in list(left.items())[:5])
                self.descriptors = descriptors
                self.serving.clear()
                self.own_tasks |= tasks
                return
            await asyncio.sleep(0.01)

    def count(self) -> Stillness:
        """What there is."""
        with open("/proc/self/statm", encoding="ascii") as statm:
            resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        return Stillness(sys.getallocatedblocks(), leaks.heap_in_use(), resident)
