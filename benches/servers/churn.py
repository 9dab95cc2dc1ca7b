"""Short connections: accept, read, write, close."""

import asyncio
from typing import Any

from servers.echo import port_of
from servers.server import BACKLOG, HOST


class OnceProtocol(asyncio.Protocol):
    """Answers once and closes."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.close()


async def start() -> int:
    """A server whose connections end after their first answer."""
    loop = asyncio.get_running_loop()
    return port_of(await loop.create_server(OnceProtocol, HOST, 0, backlog=BACKLOG))
