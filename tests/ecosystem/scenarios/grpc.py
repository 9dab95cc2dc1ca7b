"""grpc.aio: its own poller thread wakes the loop; all four kinds of calls, with no compiled protocol."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from scenario import scenario
from stage import Stage


def service() -> Any:
    """Returns a generic handler with the four kinds of calls over plain bytes."""
    import grpc

    async def unary(request: bytes, context: Any) -> bytes:
        if request == b"fail":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "as you wish")
        if request == b"slow":
            await asyncio.sleep(20)
        return request[::-1]

    async def down(request: bytes, context: Any) -> AsyncIterator[bytes]:
        for index in range(int(request)):
            yield str(index).encode() * 100

    async def up(requests: AsyncIterator[bytes], context: Any) -> bytes:
        return str(sum([len(request) async for request in requests])).encode()

    async def both(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request.upper()

    return grpc.method_handlers_generic_handler(
        "service",
        {
            "unary": grpc.unary_unary_rpc_method_handler(unary),
            "down": grpc.unary_stream_rpc_method_handler(down),
            "up": grpc.stream_unary_rpc_method_handler(up),
            "both": grpc.stream_stream_rpc_method_handler(both),
        },
    )


async def exercise(channel: Any) -> dict[str, Any]:
    """Makes calls of all kinds; returns what was seen."""
    import grpc

    seen: dict[str, Any] = {}
    unary = channel.unary_unary("/service/unary")
    assert await asyncio.gather(*[unary(b"abc%d" % n) for n in range(300)]) == [
        (b"abc%d" % n)[::-1] for n in range(300)
    ]
    large = bytes(range(256)) * 4000
    seen["large"] = await unary(large) == large[::-1]
    seen["down"] = sum([len(answer) async for answer in channel.unary_stream("/service/down")(b"500")])

    async def pieces() -> AsyncIterator[bytes]:
        for index in range(200):
            yield bytes(index)

    seen["up"] = (await channel.stream_unary("/service/up")(pieces())).decode()
    call = channel.stream_stream("/service/both")()
    for index in range(50):
        await call.write(b"word %d" % index)
        assert await call.read() == b"WORD %d" % index
    await call.done_writing()
    seen["end"] = await call.read() is grpc.aio.EOF
    try:
        await unary(b"fail")
    except grpc.aio.AioRpcError as error:
        seen["failed"] = [error.code().name, error.details()]
    try:
        await unary(b"slow", timeout=0.2)
    except grpc.aio.AioRpcError as error:
        seen["late"] = error.code().name
    task = asyncio.ensure_future(wait_for(unary))
    await asyncio.sleep(0.1)
    task.cancel()
    seen["cancelled"] = type((await asyncio.gather(task, return_exceptions=True))[0]).__name__
    seen["still good"] = (await unary(b"ab")).decode()
    return seen


async def wait_for(unary: Any) -> bytes:
    """Makes a call that takes long."""
    return bytes(await unary(b"slow"))


@scenario("grpcio", "unary and streaming calls, deadlines, cancelling")
async def plain(stage: Stage) -> dict[str, Any]:
    import grpc

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            return await exercise(channel)
    finally:
        await server.stop(1)


@scenario("grpcio", "TLS", also=("trustme",))
async def tls(stage: Stage) -> dict[str, Any]:
    import grpc

    certificates = stage.certificates
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service(),))
    pair = (certificates.key.read_bytes(), certificates.certificate.read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    credentials = grpc.ssl_channel_credentials(certificates.authority.read_bytes())
    try:
        async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
            return await exercise(channel)
    finally:
        await server.stop(1)
