import asyncio
import socket
import threading


async def main():
    one, other = socket.socketpair()
    threading.Timer(0.3, other.send, [b"x"]).start()
    assert one.recv(1) == b"x"  # expect: blocking
    one.close()
    other.close()


asyncio.run(main())
