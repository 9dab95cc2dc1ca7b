import asyncio
import socket


async def main():
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        loop = asyncio.get_running_loop()
        loop.sock_sendall(near, b"hello")  # expect: never-awaited
        await asyncio.sleep(0)


asyncio.run(main())
