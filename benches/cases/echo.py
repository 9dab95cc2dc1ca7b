"""Answers over a connection: an HTTP server and its client on one loop."""

import asyncio

from cases.case import CaseGroup

GROUP = CaseGroup("echo")

REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 32\r\n\r\n" + b"x" * 32


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with its own body, until the client goes."""
    while head := await head_of(reader):
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:"))
        body = await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body)
        await writer.drain()
    writer.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """The lines before a body; empty at the end of the connection."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@GROUP.case("http_echo", "an HTTP echo, server and client on one loop")
async def http_echo(repeats: int) -> int:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    count = 0
    for _ in range(repeats):
        writer.write(REQUEST)
        head = await head_of(reader)
        body = await reader.readexactly(32)
        count += head.startswith(b"HTTP/1.1 200") and len(body) == 32
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    return count
