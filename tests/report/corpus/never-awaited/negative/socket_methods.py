import asyncio
import socket


async def main():
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        loop = asyncio.get_running_loop()
        receiving = loop.create_task(loop.sock_recv(near, 100))
        await loop.sock_sendall(far, b"hello")
        await receiving


asyncio.run(main())
