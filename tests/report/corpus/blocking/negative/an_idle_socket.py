import asyncio
import socket


async def main():
    one, other = socket.socketpair()
    one.setblocking(False)
    asyncio.get_running_loop().call_later(0.3, other.send, b"x")
    assert await asyncio.get_running_loop().sock_recv(one, 1) == b"x"
    one.close()
    other.close()


asyncio.run(main())
