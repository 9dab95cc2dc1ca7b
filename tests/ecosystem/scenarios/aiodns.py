"""aiodns: c-ares asks a name server of ours, which runs on the same loop, by UDP and by TCP."""

import asyncio
import struct
from typing import Any

from scenario import scenario
from stage import Stage

A, TXT = 1, 16
TRUNCATED, NOT_FOUND = 0x0200, 3


def answer(query: bytes, truncate: bool) -> bytes:
    """Returns what the name server says: 10.0.0.N to nN.test, a long text to long.test, no such name to others."""
    number, _, count = struct.unpack_from("!HHH", query)
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    (kind,) = struct.unpack_from("!H", question, len(question) - 4)
    name = question[1 : question[0] + 1].lower()
    header = struct.Struct("!HHHHHH")
    if kind == A and name[:1] == b"n":
        data = bytes([10, 0, 0, int(name[1:])])
    elif kind == TXT and name == b"long":
        if truncate:
            return header.pack(number, 0x8180 | TRUNCATED, count, 0, 0, 0) + question
        data = b"".join(bytes([200]) + bytes([65 + part]) * 200 for part in range(20))
    else:
        return header.pack(number, 0x8180 | NOT_FOUND, count, 0, 0, 0) + question
    record = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data
    return header.pack(number, 0x8180, count, 1, 0, 0) + question + record


class Datagrams(asyncio.DatagramProtocol):
    """The name server by UDP; every third question is dropped once, so that the client asks again."""

    def __init__(self) -> None:
        self.asked = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        if self.asked % 3:
            self.transport.sendto(answer(data, truncate=True), addr)


async def by_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The name server by TCP."""
    try:
        while True:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            said = answer(await reader.readexactly(size), truncate=False)
            writer.write(struct.pack("!H", len(said)) + said)
    except asyncio.IncompleteReadError:
        writer.close()


@scenario("aiodns", "a name server on the same loop: UDP with losses, TCP, names that are not there")
async def names(stage: Stage) -> dict[str, Any]:
    import aiodns

    loop, seen = asyncio.get_running_loop(), {}
    port = stage.free_port()
    udp, _ = await loop.create_datagram_endpoint(Datagrams, ("127.0.0.1", port))
    tcp = await asyncio.start_server(by_tcp, "127.0.0.1", port)
    options = {"nameservers": [f"127.0.0.1:{port}"], "timeout": 0.3, "tries": 8}
    resolver = aiodns.DNSResolver(**options)

    async def ask(index: int) -> str:
        found = await resolver.query_dns(f"n{index}.test", "A")
        return str(found.answer[0].data.addr)

    seen["addresses"] = await asyncio.gather(*map(ask, range(60)))
    found = await resolver.query_dns("long.test", "TXT")
    seen["long"] = [len(record.data.data) for record in found.answer]
    try:
        await resolver.query_dns("other.test", "A")
    except aiodns.error.DNSError as error:
        seen["not found"] = error.args[0]
    question = asyncio.ensure_future(resolver.query_dns("n1.test", "A"))
    await asyncio.sleep(0)
    question.cancel()
    seen["cancelled"] = type((await asyncio.gather(question, return_exceptions=True))[0]).__name__
    await resolver.close()
    udp.close()
    tcp.close()
    await tcp.wait_closed()
    return seen


@scenario("aiodns", "as aiohttp's resolver", also=("aiohttp",))
async def for_aiohttp(stage: Stage) -> dict[str, Any]:
    import aiohttp
    from aiohttp import web

    async def hello(request: Any) -> Any:
        return web.Response(text=f"{request.host.partition(':')[0]}")

    application = web.Application()
    application.router.add_get("/", hello)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", stage.free_port())
    await site.start()
    port = runner.addresses[0][1]
    resolver = aiohttp.AsyncResolver()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver)) as session:
        async with session.get(f"http://localhost:{port}/") as response:
            seen = [response.status, await response.text()]
    await runner.cleanup()
    return {"answer": seen}
