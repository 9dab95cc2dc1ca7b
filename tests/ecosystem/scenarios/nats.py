"""nats-py against a real NATS server: subscriptions, requests, JetStream, drain, a connection that is lost."""

import asyncio
from typing import Any

from scenario import scenario
from stage import Stage


async def messages(client: Any) -> dict[str, Any]:
    """Publishes, subscribes and asks; returns what was seen."""
    import nats.errors

    seen: dict[str, Any] = {}
    iterated = await client.subscribe("numbers.*")
    for index in range(2000):
        await client.publish(f"numbers.{index % 7}", str(index).encode())
    heard = [int((await iterated.next_msg(timeout=20)).data) for _ in range(2000)]
    seen["in order"] = heard == list(range(2000))
    await iterated.unsubscribe()

    async def twice(message: Any) -> None:
        await asyncio.sleep(0)
        await message.respond(message.data * 2)

    workers = [await client.subscribe("twice", queue="workers", cb=twice) for _ in range(3)]
    large = bytes(range(256)) * 1500
    assert (await client.request("twice", large, timeout=20)).data == large * 2
    answers = await asyncio.gather(*(client.request("twice", b"%d." % index, timeout=20) for index in range(300)))
    seen["answers"] = sum(answer.data == b"%d." % index * 2 for index, answer in enumerate(answers))
    for worker in workers:
        await worker.drain()
    try:
        await client.request("nobody", b"?", timeout=5)
    except nats.errors.NoRespondersError as error:
        seen["nobody"] = type(error).__name__
    silent = await client.subscribe("silent")
    try:
        await client.request("silent", b"?", timeout=0.2)
    except nats.errors.TimeoutError as error:
        seen["timeout"] = type(error).__name__
    waiting = asyncio.ensure_future(silent.next_msg(timeout=20))
    assert (await waiting).data == b"?"
    waiting = asyncio.ensure_future(silent.next_msg(timeout=20))
    await asyncio.sleep(0.05)
    waiting.cancel()
    seen["cancelled"] = [type(one).__name__ for one in await asyncio.gather(waiting, return_exceptions=True)]
    return seen


async def jetstream(client: Any) -> dict[str, Any]:
    """Uses streams, consumers, and the store of keys and values; returns what was seen."""
    seen: dict[str, Any] = {}
    streams = client.jetstream()
    await streams.add_stream(name="ORDERS", subjects=["orders.*"])
    acknowledged = await asyncio.gather(*(streams.publish("orders.new", b"%d" % index) for index in range(200)))
    seen["sequences"] = sorted(one.seq for one in acknowledged) == list(range(1, 201))
    consumer = await streams.pull_subscribe("orders.new", "reader")
    fetched = 0
    while fetched < 200:
        batch = await consumer.fetch(50, timeout=10)
        await asyncio.gather(*(message.ack_sync() for message in batch))
        fetched += len(batch)
    seen["left"] = (await consumer.consumer_info()).num_pending
    store = await streams.create_key_value(bucket="settings")
    watcher = await store.watchall()
    for index in range(20):
        await store.put("key", str(index).encode())
    found = []
    while len(found) < 20:
        entry = await watcher.updates(timeout=10)
        if entry is not None:
            found.append(int(entry.value))
    seen["watched"] = found == list(range(20))
    await watcher.stop()
    await streams.delete_key_value("settings")
    await streams.delete_stream("ORDERS")
    return seen


@scenario("nats-py", "messages, requests, JetStream, draining", services=("nats",))
async def client(stage: Stage) -> dict[str, Any]:
    import nats

    connection = await nats.connect(f"nats://127.0.0.1:{stage.services['nats']['port']}")
    seen = {**await messages(connection), **await jetstream(connection)}
    await connection.drain()
    return {**seen, "closed": connection.is_closed}


class Gate:
    """Hands bytes on to a server until it is shut, which resets what is open; then until it is opened again, none."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self) -> None:
        """Listens, on the same port each time."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Ends every connection and takes no more."""
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._open |= {writer, back}
        await asyncio.gather(self._one_way(reader, back), self._one_way(there, writer))
        self._open -= {writer, back}

    async def _one_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@scenario("nats-py", "its connection is lost and made again", services=("nats",))
async def reconnecting(stage: Stage) -> dict[str, Any]:
    import nats

    events: list[str] = []
    again = asyncio.Event()

    async def lost() -> None:
        events.append("lost")

    async def back() -> None:
        events.append("back")
        again.set()

    async def closed() -> None:
        events.append("closed")

    async def failed(error: Exception) -> None:
        """It says what it tried in vain; how often, is the clock's affair."""

    gate = Gate(stage.services["nats"]["port"])
    await gate.open()
    callbacks = {"disconnected_cb": lost, "reconnected_cb": back, "closed_cb": closed, "error_cb": failed}
    options = {"reconnect_time_wait": 0.1, "max_reconnect_attempts": -1}
    connection = await nats.connect(f"nats://127.0.0.1:{gate.port}", **callbacks, **options)
    heard = await connection.subscribe("news")
    await connection.publish("news", b"before")
    first = (await heard.next_msg(timeout=10)).data.decode()
    for _ in range(3):
        again.clear()
        await gate.shut()
        await asyncio.sleep(0.2)
        await gate.open()
        await asyncio.wait_for(again.wait(), 20)
        await connection.publish("news", b"after")
        assert (await heard.next_msg(timeout=10)).data == b"after"
    await connection.close()
    await gate.shut()
    return {"first": first, "events": events}
