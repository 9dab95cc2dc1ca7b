"""aiomqtt against a real broker: paho's own sockets, watched by add_reader() and add_writer()."""

import asyncio
import ssl
from typing import Any

from scenario import scenario
from stage import Stage


async def exercise(port: int, tls: ssl.SSLContext | None = None) -> dict[str, Any]:
    """Publishes and subscribes in each quality of service; returns what was heard."""
    import aiomqtt

    seen: dict[str, Any] = {}
    where = {"hostname": "localhost", "port": port, "tls_context": tls}
    large = bytes(range(256)) * 4000
    async with aiomqtt.Client(**where) as listener, aiomqtt.Client(**where) as speaker:
        await listener.subscribe("house/+/heat", qos=2)
        for quality in (0, 1, 2):
            for index in range(50):
                await speaker.publish(f"house/{index % 3}/heat", f"{quality} {index}", qos=quality)
        await speaker.publish("house/large/heat", large, qos=1)
        heard = [await anext(listener.messages) for _ in range(151)]
        seen["in order"] = [one.payload.decode() for one in heard[:-1]] == [
            f"{quality} {index}" for quality in (0, 1, 2) for index in range(50)
        ]
        seen["large"] = heard[-1].payload == large
        seen["topics"] = sorted({str(one.topic) for one in heard})
        await speaker.publish("house/kept", "stays", qos=1, retain=True)
        await listener.subscribe("house/kept")
        kept = await anext(listener.messages)
        seen["kept"] = [kept.payload.decode(), bool(kept.retain)]
        await speaker.publish("house/kept", b"", qos=1, retain=True)
        waiting = asyncio.ensure_future(speaker.messages.__anext__())
        await asyncio.sleep(0.05)
        waiting.cancel()
        seen["cancelled"] = [type(one).__name__ for one in await asyncio.gather(waiting, return_exceptions=True)]
    return seen


@scenario("aiomqtt", "every quality of service, kept messages, many clients, a last will", services=("mosquitto",))
async def plain(stage: Stage) -> dict[str, Any]:
    import aiomqtt

    port = stage.services["mosquitto"]["port"]
    seen = await exercise(port)

    async def one(index: int) -> int:
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.subscribe(f"own/{index}", qos=1)
            await client.publish(f"own/{index}", index, qos=1)
            return int((await anext(client.messages)).payload)

    seen["many"] = sum(await asyncio.gather(*map(one, range(30))))
    async with aiomqtt.Client("127.0.0.1", port) as listener:
        await listener.subscribe("will")
        doomed = aiomqtt.Client("127.0.0.1", port, will=aiomqtt.Will("will", "gone"))
        await doomed.__aenter__()
        doomed._client.socket().shutdown(2)
        seen["will"] = (await asyncio.wait_for(anext(listener.messages), 20)).payload.decode()
        try:
            await asyncio.wait_for(anext(doomed.messages), 20)
        except aiomqtt.MqttError as error:
            seen["lost"] = str(error)
        try:
            await doomed.__aexit__(None, None, None)
        except aiomqtt.MqttError as error:
            seen["left"] = str(error)
    try:
        async with aiomqtt.Client("127.0.0.1", stage.free_port()):
            pass
    except aiomqtt.MqttError as error:
        seen["refused"] = str(error)
    return seen


@scenario("aiomqtt", "TLS", services=("mosquitto",))
async def tls(stage: Stage) -> dict[str, Any]:
    server = stage.services["mosquitto"]
    return await exercise(server["tls_port"], ssl.create_default_context(cafile=server["authority"]))
