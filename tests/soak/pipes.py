"""Ends of conversations over pipes, some of them with a child process in each direction."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO

from ends import ProtocolEnd, StreamsEnd, Wire

CAT = shutil.which("cat") or "cat"


class PipesEnd:
    """Two protocols, one above a pipe to read and one above a pipe to write."""

    def __init__(self, reading: ProtocolEnd, writing: ProtocolEnd) -> None:
        self.reading, self.writing = reading, writing

    async def send(self, pieces: list[bytes]) -> None:
        await self.writing.send(pieces)

    async def receive(self, limit: int) -> bytes:
        return await self.reading.receive(limit)

    def half_close(self) -> None:
        self.writing.transport.write_eof()

    def abort(self) -> None:
        if self.writing.state != "lost":  # asyncio's fails then
            self.writing.transport.abort()
        self.reading.transport.close()

    async def close(self) -> None:
        self.writing.transport.close()
        self.reading.transport.close()
        await self.writing.lost
        await self.reading.lost


class Writing(asyncio.streams.FlowControlMixin):
    """What a `StreamWriter` above a pipe needs of a protocol."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)  # type: ignore[arg-type]
        if not self.lost.done():
            self.lost.set_result(None)

    def _get_close_waiter(self, stream: Any) -> "asyncio.Future[None]":
        return self.lost


class PipeStreamsEnd(StreamsEnd):
    """Streams above two pipes."""

    def __init__(
        self, reader: asyncio.StreamReader, reading: Any, writer: asyncio.StreamWriter, writing: Writing
    ) -> None:
        super().__init__(reader, writer)
        self.reading, self.writing = reading, writing

    def abort(self) -> None:
        if not self.writing.lost.done():
            super().abort()
        self.reading.close()

    async def close(self) -> None:
        await super().close()
        self.reading.close()


class ProcessesEnd(StreamsEnd):
    """Streams to one process and from another, which the other side knows as pipes."""

    def __init__(self, up: Any, down: Any) -> None:
        super().__init__(down.stdout, up.stdin)
        self.processes = (up, down)

    def abort(self) -> None:
        for process in self.processes:
            give_up(process)

    async def close(self) -> None:
        # Not by wait_closed(): asyncio's Future for it fails if one who waits is cancelled.
        self.writer.close()
        self.processes[1]._transport.get_pipe_transport(1).close()
        for process in self.processes:
            await process.wait()


def give_up(process: Any) -> None:
    """Kill a process and close its pipes; the loop waits for it.

    Not by the transport's ``close()`` or ``kill()``, which may take the exit status away from the loop (they ask
    ``Popen.poll()``), so that it warns.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    for number, end in ((0, "abort"), (1, "close")):
        pipe = process._transport.get_pipe_transport(number)
        if pipe is not None and not pipe.is_closing():
            getattr(pipe, end)()


def children() -> set[str]:
    """The processes that nobody has waited for yet."""
    found = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(path.read_text(encoding="ascii").split())
    return found


def make_pipe() -> tuple[BinaryIO, BinaryIO]:
    """Two files: to read, to write."""
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb", 0), os.fdopen(writing, "wb", 0)


async def end_of(kind: str, reading: BinaryIO, writing: BinaryIO) -> Wire:
    """An end over two files, which it owns from now on."""
    loop = asyncio.get_running_loop()
    if kind in ("protocol", "buffered"):
        _, receiver = await loop.connect_read_pipe(lambda: ProtocolEnd(loop), reading)
        try:
            _, sender = await loop.connect_write_pipe(lambda: ProtocolEnd(loop), writing)
        except BaseException:
            receiver.transport.close()
            raise
        return PipesEnd(receiver, sender)
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), reading)
    try:
        sending, protocol = await loop.connect_write_pipe(Writing, writing)
    except BaseException:
        transport.close()
        raise
    return PipeStreamsEnd(reader, transport, asyncio.StreamWriter(sending, protocol, None, loop), protocol)


async def by_processes(up_to: BinaryIO, down_from: BinaryIO) -> Wire:
    """The client's end, with a `cat` in each direction; the files are the processes'."""
    pipe = asyncio.subprocess.PIPE
    up = await asyncio.create_subprocess_exec(CAT, stdin=pipe, stdout=up_to)
    try:
        down = await asyncio.create_subprocess_exec(CAT, stdin=down_from, stdout=pipe)
    except BaseException:
        give_up(up)
        raise
    finally:
        up_to.close()
        down_from.close()
    return ProcessesEnd(up, down)


async def connect(family: str, client: str, server: str, serve: Callable[[Wire], None]) -> Wire:
    """The client's end of a new pair of pipes; the server's end is given to ``serve``."""
    up, down = make_pipe(), make_pipe()
    made: list[Wire] = []
    other: Awaitable[Wire] = end_of(client, down[0], up[1]) if family == "pipe" else by_processes(up[1], down[0])
    try:
        made.append(await other)
        made.append(await end_of(server, up[0], down[1]))
    except BaseException:
        for wire in made:
            wire.abort()
        for file in (*up, *down):
            file.close()
        raise
    serve(made[1])
    return made[0]
