"""What a Task that waits for a socket is said to wait for."""

import asyncio
import re
import socket

import pytest

import tepal
from tepal.report import Recording, Report


async def connected():
    """A stream to a listening socket that never accepts."""
    listener = socket.create_server(("127.0.0.1", 0))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    return reader, writer, listener


async def by_stream_read(reader, writer, sock):
    await reader.readline()


async def by_drain(reader, writer, sock):
    writer.write(bytes(30_000_000))
    await writer.drain()


async def by_sock_recv(reader, writer, sock):
    await asyncio.get_running_loop().sock_recv(sock, 10)


TEXTS = {
    by_stream_read: "data from socket with peer {}",
    by_drain: "room to write to socket with peer {}",
    by_sock_recv: "sock_recv of a socket with peer {}",
}


@pytest.mark.parametrize("waits", TEXTS)
def test_the_peer_is_named(waits):
    async def main():
        reader, writer, listener = await connected()
        with listener, socket.create_connection(listener.getsockname()) as sock:
            sock.setblocking(False)
            task = asyncio.create_task(waits(reader, writer, sock), name="waiting")
            await asyncio.sleep(0.01)
            loop = asyncio.get_running_loop()
            found.append(listener.getsockname())
            loop.stop()
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            writer.transport.abort()

    found = []
    recording = Recording()
    recording.begin()
    loop = tepal.new_event_loop()
    running = loop.create_task(main())
    loop.run_forever()
    [waiting] = [each for each in recording.waiting.values() if each.name == "waiting"]
    loop.run_until_complete(running)
    loop.close()
    recording.end()
    [address] = found
    assert (waiting.kind, waiting.text) == ("socket", TEXTS[waits].format(address))
    assert waiting.function == waits.__name__ and waiting.file == __file__


def test_a_socket_without_a_peer_is_named_itself():
    recording = Recording()
    recording.begin()
    loop = tepal.new_event_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        task = loop.create_task(loop.sock_recvfrom(sock, 10))
        loop.run_until_complete(asyncio.sleep(0))
        [waiting] = recording.waiting.values()
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    recording.end()
    assert re.fullmatch(r"sock_recvfrom of socket at 0x[0-9a-f]+", waiting.text)
    assert Report(recording, recording.records()).findings == []
