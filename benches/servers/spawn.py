"""Subprocesses: every byte that arrives starts a process, and goes back when the process has ended well."""

import asyncio
import contextlib
import shutil

from servers.echo import port_of
from servers.server import BACKLOG, HOST


async def spawn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection."""
    program = shutil.which("true") or "true"
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1):
            process = await asyncio.create_subprocess_exec(program)
            status = await process.wait()
            # A wrong status answers with a wrong byte, which the client refuses.
            writer.write(data if status == 0 else b"\0")
            await writer.drain()
    writer.close()


async def start() -> int:
    """A server whose work is to start processes and to wait for them."""
    return port_of(await asyncio.start_server(spawn, HOST, 0, backlog=BACKLOG))
