"""aioquic: QUIC over datagrams, a server and its clients on one loop."""

import asyncio
import os
import ssl
from typing import Any

from scenario import scenario
from stage import Stage


@scenario("aioquic", "streams of a server and clients; large, many, a server that is not there", also=("trustme",))
async def streams(stage: Stage) -> dict[str, Any]:
    from aioquic.asyncio import connect, serve
    from aioquic.quic.configuration import QuicConfiguration

    async def upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read()
        writer.write(data.upper() if len(data) < 1000 else data)
        writer.write_eof()

    certificates = stage.certificates
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["tepal"])
    configuration.load_cert_chain(certificates.certificate, certificates.key)
    port = stage.free_port()
    server = await serve(
        "127.0.0.1", port, configuration=configuration, stream_handler=lambda *ends: running.append(start(upper(*ends)))
    )
    running: list[asyncio.Task[None]] = []
    start = asyncio.get_running_loop().create_task

    async def visit(index: int, content: bytes, count: int = 1) -> bool:
        chosen = QuicConfiguration(alpn_protocols=["tepal"], server_name="localhost")
        chosen.load_verify_locations(str(certificates.authority))
        async with connect("127.0.0.1", port, configuration=chosen) as client:
            await client.ping()

            async def ask() -> bytes:
                reader, writer = await client.create_stream()
                writer.write(content)
                writer.write_eof()
                return await reader.read()

            answers = await asyncio.gather(*(ask() for _ in range(count)))
        return answers == [content.upper() if len(content) < 1000 else content] * count

    seen: dict[str, Any] = {"many": await asyncio.gather(*(visit(index, b"one", 3) for index in range(10)))}
    seen["large"] = await visit(0, os.urandom(500_000))
    seen["streams"] = await visit(0, b"two", 60)
    try:
        await asyncio.wait_for(visit_untrusting(port), 10)
    except (ConnectionError, ssl.SSLError) as error:
        seen["not trusted"] = type(error).__name__
    server.close()
    await asyncio.gather(*running)
    return {**seen, "served": len(running)}


async def visit_untrusting(port: int) -> None:
    """Connects without the authority's certificate. Raises ConnectionError."""
    from aioquic.asyncio import connect
    from aioquic.quic.configuration import QuicConfiguration

    chosen = QuicConfiguration(alpn_protocols=["tepal"], server_name="localhost")
    async with connect("127.0.0.1", port, configuration=chosen) as client:
        await client.ping()
