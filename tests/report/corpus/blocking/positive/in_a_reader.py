import asyncio
import socket
import time


def readable(sock, seen):
    seen.append(sock.recv(10))
    time.sleep(0.4)  # expect: blocking


async def main():
    one, other = socket.socketpair()
    loop = asyncio.get_running_loop()
    seen = []
    loop.add_reader(one, readable, one, seen)
    other.send(b"x")
    await asyncio.sleep(0.05)
    loop.remove_reader(one)
    one.close()
    other.close()
    assert seen == [b"x"]


asyncio.run(main())
