import asyncio
import socket


async def waits(future):
    await future


async def main():
    loop = asyncio.get_running_loop()
    one, other = socket.socketpair()
    future = loop.create_future()
    loop.add_reader(one, lambda: future.done() or future.set_result(one.recv(1)))
    task = asyncio.create_task(waits(future))
    await asyncio.sleep(0.01)
    assert not task.done()
    sockets.extend([one, other])


sockets = []
asyncio.run(main())
for each in sockets:
    each.close()
