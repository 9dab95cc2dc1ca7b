"""websockets: its asyncio server and client with each other, in plain text and over TLS."""

import asyncio
import ssl
from typing import Any

from scenario import scenario
from stage import Stage


async def exercise(server_tls: ssl.SSLContext | None, client_tls: ssl.SSLContext | None) -> dict[str, Any]:
    """Serves and connects; returns what was seen."""
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import serve
    from websockets.exceptions import ConnectionClosed

    codes: list[int | None] = []

    async def echo(connection: Any) -> None:
        try:
            async for message in connection:
                if message == "close":
                    await connection.close(4001, "as you wish")
                else:
                    await connection.send(message)
        except ConnectionClosed:
            pass
        codes.append(connection.close_code)

    limits = {"max_size": 2**24, "ping_interval": 0.1, "ping_timeout": 10}
    async with serve(echo, "127.0.0.1", 0, ssl=server_tls, **limits) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"{'wss' if server_tls else 'ws'}://localhost:{port}"
        seen = await talk(url, {"ssl": client_tls, **limits})

        async def chat(index: int) -> bool:
            async with connect(url, ssl=client_tls, **limits) as client:
                for number in range(50):
                    await client.send(f"{index} {number}" * 50)
                    if await client.recv() != f"{index} {number}" * 50:
                        return False
                return True

        seen["many"] = await asyncio.gather(*map(chat, range(40)))
        rude = await connect(url, ssl=client_tls, **limits)
        rude.transport.abort()
        await rude.wait_closed()
        left = await connect(url, ssl=client_tls, **limits)
    try:
        await left.recv()
    except ConnectionClosed as closed:
        seen["the server closes"] = closed.rcvd.code if closed.rcvd else None
    seen["closed"] = sorted(codes, key=str)
    return seen


async def talk(url: str, options: dict[str, Any]) -> dict[str, Any]:
    """Talks with the server on one connection; returns what was seen."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    seen: dict[str, Any] = {}
    async with connect(url, **options) as client:
        for size in (0, 1, 125, 126, 65_535, 65_536, 5_000_000):
            await client.send(bytes(size))
            assert await client.recv() == bytes(size)
        await client.send(["in ", "three ", "pieces"])
        seen["fragments"] = await client.recv()
        for index in range(500):
            await client.send(str(index))
        assert [await client.recv() for _ in range(500)] == [str(index) for index in range(500)]
        await asyncio.sleep(0.35)
        seen["pinged"] = client.latency > 0
        await client.send("close")
        try:
            await client.recv()
        except ConnectionClosed as closed:
            seen["close"] = [closed.rcvd.code, closed.rcvd.reason]
    return seen


@scenario("websockets", "server and client")
async def plain(stage: Stage) -> dict[str, Any]:
    return await exercise(None, None)


@scenario("websockets", "server and client, TLS", also=("trustme",))
async def tls(stage: Stage) -> dict[str, Any]:
    return await exercise(stage.certificates.server(), stage.certificates.client())
