"""pyzmq: its asyncio sockets, which watch an edge-triggered descriptor by `add_reader()`."""

import asyncio
from typing import Any

from scenario import scenario
from stage import Stage


@scenario("pyzmq", "request and reply, push and pull, publish and subscribe, cancelling")
async def sockets(stage: Stage) -> dict[str, Any]:
    import zmq
    import zmq.asyncio

    seen: dict[str, Any] = {}
    context = zmq.asyncio.Context()
    try:
        seen["replies"] = await request_and_reply(context)
        seen["pulled"] = await push_and_pull(context, stage)
        seen["heard"] = await publish_and_subscribe(context)
        with context.socket(zmq.PULL) as idle:
            port = idle.bind_to_random_port("tcp://127.0.0.1")
            waiting = asyncio.ensure_future(idle.recv())
            await asyncio.sleep(0.05)
            waiting.cancel()
            seen["cancelled"] = type((await asyncio.gather(waiting, return_exceptions=True))[0]).__name__
            poller = zmq.asyncio.Poller()
            poller.register(idle, zmq.POLLIN)
            seen["nothing"] = await poller.poll(50)
            with context.socket(zmq.PUSH) as push:
                push.connect(f"tcp://127.0.0.1:{port}")
                await push.send(b"not lost")
                seen["something"] = [event for _, event in await poller.poll(10_000)]
                seen["not lost"] = (await idle.recv()).decode()
                try:
                    await asyncio.wait_for(idle.recv(), 0.05)
                except TimeoutError as error:
                    seen["timeout"] = type(error).__name__
    finally:
        context.term()
    return seen


async def request_and_reply(context: Any) -> list[str]:
    """A client and a server, in turns."""
    import zmq

    async def serve(reply: Any) -> None:
        while True:
            await reply.send((await reply.recv()).upper())

    with context.socket(zmq.REP) as reply, context.socket(zmq.REQ) as request:
        port = reply.bind_to_random_port("tcp://127.0.0.1")
        request.connect(f"tcp://127.0.0.1:{port}")
        serving = asyncio.ensure_future(serve(reply))
        answers = []
        for number in range(300):
            await request.send_string(f"message {number}")
            answers.append(await request.recv_string())
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    return [answers[0], answers[-1], str(len(set(answers)))]


async def push_and_pull(context: Any, stage: Stage) -> list[Any]:
    """Many senders, one receiver, in several parts, some large: more than the queues hold."""
    import zmq

    address = f"ipc://{stage.folder}/zmq"

    async def send(index: int) -> None:
        with context.socket(zmq.PUSH) as push:
            push.set_hwm(10)
            push.connect(address)
            for number in range(100):
                await push.send_multipart([f"{index}".encode(), f"{number}".encode(), b"x" * (number * 1000)])
            push.close(linger=20_000)

    with context.socket(zmq.PULL) as pull:
        pull.set_hwm(10)
        pull.bind(address)
        sending = asyncio.gather(*map(send, range(8)))
        total, order = 0, dict.fromkeys(range(8), -1)
        for _ in range(800):
            index, number, content = await asyncio.wait_for(pull.recv_multipart(), 20)
            assert int(number) == order[int(index)] + 1
            order[int(index)] = int(number)
            total += len(content)
        await sending
    return [total, sorted(order.values())]


async def publish_and_subscribe(context: Any) -> list[str]:
    """A publisher, and subscribers to a part."""
    import zmq

    with context.socket(zmq.PUB) as publisher:
        port = publisher.bind_to_random_port("tcp://127.0.0.1")

        async def hear(topic: str) -> str:
            with context.socket(zmq.SUB) as subscriber:
                subscriber.connect(f"tcp://127.0.0.1:{port}")
                subscriber.subscribe(topic)
                while True:
                    word, number = (await subscriber.recv_string()).split()
                    if word == topic and number == "last":
                        return word

        listening = [asyncio.ensure_future(hear(topic)) for topic in ("north", "south", "west")]
        while not all(task.done() for task in listening):  # a subscription takes its time to arrive
            for topic in ("north", "south", "west", "east"):
                await publisher.send_string(f"{topic} last")
            await asyncio.sleep(0.01)
        return [task.result() for task in listening]
