"""Echo by datagrams."""

import asyncio
from typing import Any

from servers.server import HOST


class EchoDatagrams(asyncio.DatagramProtocol):
    """``datagram_received`` sends what it is given back to where it came from."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


async def start() -> int:
    """A UDP endpoint; the transport keeps itself alive as it is registered with the loop."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=(HOST, 0))
    return int(transport.get_extra_info("sockname")[1])
