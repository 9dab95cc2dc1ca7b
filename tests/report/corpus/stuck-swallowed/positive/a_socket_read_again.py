import asyncio
import socket


async def reads(sock):
    loop = asyncio.get_running_loop()
    while True:
        try:
            return await loop.sock_recv(sock, 10)  # expect: stuck swallowed
        except asyncio.CancelledError:
            await asyncio.sleep(0)


async def main():
    task = asyncio.create_task(reads(one))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


one, other = socket.socketpair()
one.setblocking(False)
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
one.close()
other.close()
