import asyncio
import socket


async def holds(lock, sock):
    async with lock:
        await asyncio.get_running_loop().sock_recv(sock, 1)


async def waits(lock, task):
    async with lock:
        await task


async def main():
    lock = asyncio.Lock()
    first = asyncio.create_task(holds(lock, one))
    second = asyncio.create_task(waits(lock, first))
    del lock
    await asyncio.sleep(0.01)
    assert not first.done()
    assert not second.done()


one, other = socket.socketpair()
one.setblocking(False)
asyncio.run(main())
one.close()
other.close()
