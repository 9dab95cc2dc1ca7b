"""What a waiting Task is said to wait for, in words."""

import asyncio
import re
import socket
import sys
import time

import pytest

import tepal
from tepal.report import Recording, Report

NUMBER = r"\d[\d.e-]*"
ADDRESS = "0x[0-9a-f]+"
NAME = r"\('127\.0\.0\.1', \d+\)"


async def at_barrier():
    async with asyncio.Barrier(3):
        pass


async def for_condition():
    condition = asyncio.Condition()
    async with condition:
        await condition.wait()


async def to_join():
    queue = asyncio.Queue()
    queue.put_nowait(1)
    await queue.join()


async def to_put():
    queue = asyncio.Queue(1)
    queue.put_nowait(1)
    await queue.put(2)


async def for_lock():
    lock = asyncio.Lock()
    await lock.acquire()
    await lock.acquire()


async def for_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(40), name="child")


async def for_larger_group():
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(asyncio.sleep(40))


async def for_some():
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)
    await asyncio.wait([done, asyncio.ensure_future(asyncio.sleep(40))], return_when=asyncio.ALL_COMPLETED)


async def for_gathered():
    await asyncio.gather(asyncio.sleep(40), asyncio.sleep(0))


async def for_shielded():
    await asyncio.shield(asyncio.create_task(asyncio.sleep(40), name="child"))


async def for_timer():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(40, future.set_result, None)
    await future


async def for_other_timer():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(40, lambda fired: fired.set_result(None), future)
    await future


async def for_task():
    await asyncio.create_task(asyncio.sleep(40), name="child")


async def for_thread():
    await asyncio.to_thread(time.sleep, 0.3)


async def for_server():
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    async with server:
        await server.serve_forever()


async def for_end_of_process():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        await process.wait()
    finally:
        process.kill()
        await process.wait()
        process._transport.close()


async def for_connection():
    """A listener with no room left answers nobody."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())
        second.setblocking(False)
        await asyncio.get_running_loop().sock_connect(second, listener.getsockname())
        with socket.socket() as third:
            third.setblocking(False)
            await asyncio.get_running_loop().sock_connect(third, listener.getsockname())


TEXTS = {
    at_barrier: ("lock", f"Barrier at {ADDRESS}, 1 of 3 there"),
    for_condition: ("lock", f"Condition at {ADDRESS}, to be notified"),
    for_lock: ("lock", f"Lock at {ADDRESS}, locked"),
    to_join: ("queue", f"all items of Queue at {ADDRESS}"),
    to_put: ("queue", f"room in Queue at {ADDRESS}"),
    for_group: ("future", "child of a TaskGroup"),
    for_larger_group: ("future", "3 Tasks of a TaskGroup"),
    for_some: ("future", r"asyncio\.wait\(\) of 2, 1 not done"),
    for_gathered: ("future", "gather of 2, 1 not done"),
    for_shielded: ("future", "child, shielded"),
    for_timer: ("timer", f"a timer, {NUMBER} m?s left"),
    for_other_timer: ("timer", f"a timer, {NUMBER} m?s left"),
    for_task: ("task", "Task child"),
    for_thread: ("executor", "a job of an executor"),
    for_server: ("server", rf"serve_forever\(\) of a server at {NAME}"),
    for_end_of_process: ("process", r"wait\(\) of process \d+"),
    for_connection: ("socket", f"a connection to {NAME}"),
}


def look_at(waits):
    """What the recording says of a Task that has waited in ``waits()`` for a moment."""

    async def main():
        task = asyncio.create_task(waits(), name="waiting")
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        for other in asyncio.all_tasks() - {asyncio.current_task()}:
            other.cancel()
        await asyncio.sleep(0)

    recording = Recording()
    recording.begin()
    loop = tepal.new_event_loop()
    running = loop.create_task(main())
    loop.run_forever()
    [waiting] = [each for each in recording.waiting.values() if each.name == "waiting"]
    loop.run_until_complete(running)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    recording.end()
    return waiting, Report(recording, recording.records()).findings


@pytest.mark.parametrize("waits", TEXTS)
def test_a_wait_in_words(waits):
    waiting, _ = look_at(waits)
    kind, text = TEXTS[waits]
    assert waiting.kind == kind
    assert re.fullmatch(text, waiting.text), waiting.text


async def by_stream_read(reader, writer, sock):
    await reader.readline()


async def by_drain(reader, writer, sock):
    writer.write(bytes(30_000_000))
    await writer.drain()


async def by_sock_recv(reader, writer, sock):
    await asyncio.get_running_loop().sock_recv(sock, 10)


PEERS = {
    by_stream_read: "data from socket with peer {}",
    by_drain: "room to write to socket with peer {}",
    by_sock_recv: "sock_recv of a socket with peer {}",
}


@pytest.mark.parametrize("waits", PEERS)
def test_the_peer_is_named(waits):
    async def connected():
        reader, writer = await asyncio.open_connection(*address)
        with socket.create_connection(address) as sock:
            sock.setblocking(False)
            try:
                await waits(reader, writer, sock)
            finally:
                writer.transport.abort()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        waiting, _ = look_at(connected)
    assert (waiting.kind, waiting.text) == ("socket", PEERS[waits].format(address))
    assert waiting.function == waits.__name__ and waiting.file == __file__


def test_a_socket_without_a_peer_is_named_itself():
    async def receives():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_recvfrom(sock, 10)

    waiting, findings = look_at(receives)
    assert re.fullmatch(r"sock_recvfrom of socket at 0x[0-9a-f]+", waiting.text)
    assert findings == []
