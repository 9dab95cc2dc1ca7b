"""redis-py's asyncio client against a real Redis: commands, pipelines, publish and subscribe, TLS, Unix socket."""

import asyncio
from typing import Any

from scenario import scenario
from stage import Stage


async def exercise(client: Any) -> dict[str, Any]:
    """Uses everything that clients use; returns what was seen."""
    seen: dict[str, Any] = {}
    await client.flushdb()
    large = bytes(range(256)) * 8000
    seen["set"] = await client.set("large", large)
    seen["large"] = await client.get("large") == large
    assert await asyncio.gather(*[client.incr("counter") for _ in range(80)])
    seen["counter"] = int(await client.get("counter"))
    async with client.pipeline(transaction=True) as pipeline:
        for index in range(1000):
            pipeline.rpush("list", index)
        seen["pipeline"] = (await pipeline.execute())[-1]
    seen["list"] = sum(int(item) for item in await client.lrange("list", 0, -1))
    seen["scan"] = sorted([key.decode() async for key in client.scan_iter("*")])
    script = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    seen["script"] = await script(keys=["counter"], args=[5])
    async with client.lock("lock", timeout=5):
        seen["locked"] = await client.exists("lock")
    await client.xadd("stream", {"field": "value"})
    seen["stream"] = repr([fields for _, fields in (await client.xrange("stream"))])
    return seen


async def news(client: Any) -> list[str]:
    """Subscribes, publishes and returns what was heard."""
    async with client.pubsub() as subscriber:
        await subscriber.subscribe("news")
        assert (await subscriber.get_message(timeout=10))["type"] == "subscribe"
        for index in range(20):
            await client.publish("news", str(index))
        return [(await subscriber.get_message(timeout=10))["data"].decode() for _ in range(20)]


@scenario("redis", "commands, pipelines, scripts, publish and subscribe", services=("redis",))
async def commands(stage: Stage) -> dict[str, Any]:
    import redis.asyncio

    server = stage.services["redis"]
    async with redis.asyncio.Redis(host=server["host"], port=server["port"]) as client:
        return {**await exercise(client), "news": await news(client)}


@scenario("redis", "TLS", services=("redis",))
async def tls(stage: Stage) -> dict[str, Any]:
    import redis.asyncio

    server = stage.services["redis"]
    options = {"ssl": True, "ssl_ca_certs": server["authority"]}
    async with redis.asyncio.Redis(host="localhost", port=server["tls_port"], **options) as client:
        return {**await exercise(client), "news": await news(client)}


@scenario("redis", "Unix socket", services=("redis",))
async def unix_socket(stage: Stage) -> dict[str, Any]:
    import redis.asyncio

    async with redis.asyncio.Redis(unix_socket_path=stage.services["redis"]["socket"]) as client:
        return {**await exercise(client), "news": await news(client)}


@scenario("redis", "blocking commands, cancelling, a connection that the server ends", services=("redis",))
async def cancelling(stage: Stage) -> dict[str, Any]:
    import redis.asyncio
    import redis.exceptions

    server = stage.services["redis"]
    seen: dict[str, Any] = {}
    async with (
        redis.asyncio.Redis(host=server["host"], port=server["port"]) as client,
        redis.asyncio.Redis(host=server["host"], port=server["port"], retry=None, socket_timeout=0.3) as hasty,
    ):
        await client.flushdb()
        waiting = asyncio.ensure_future(client.blpop("queue", timeout=10))
        await asyncio.sleep(0.05)
        await client.rpush("queue", "first")
        seen["blpop"] = repr(await waiting)
        cancelled = asyncio.ensure_future(client.blpop("queue", timeout=10))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        seen["cancelled"] = type((await asyncio.gather(cancelled, return_exceptions=True))[0]).__name__
        await client.rpush("other", "second")
        seen["still good"] = repr(await client.blpop("other", timeout=10))
        try:
            await hasty.blpop("queue", timeout=10)
        except redis.exceptions.TimeoutError as error:
            seen["timeout"] = type(error).__name__
        number = await hasty.client_id()
        await client.client_kill_filter(_id=str(number))
        try:
            seen["after the end"] = repr(await hasty.ping())
        except redis.exceptions.ConnectionError as error:
            seen["after the end"] = type(error).__name__
    try:
        await redis.asyncio.Redis(host=server["host"], port=stage.free_port(), retry=None).ping()
    except redis.exceptions.ConnectionError as error:
        seen["refused"] = type(error).__name__
    return seen
