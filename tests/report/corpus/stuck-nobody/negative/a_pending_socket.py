import asyncio
import socket

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits(sock):
    await asyncio.get_running_loop().sock_recv(sock, 1)


async def main():
    spawn(waits(one))
    await asyncio.sleep(0.01)


one, other = socket.socketpair()
one.setblocking(False)

asyncio.run(main())
