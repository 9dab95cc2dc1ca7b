import asyncio
import socket


async def main():
    near, far = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=near)
    far.send(b"one\ntwo\n")
    reader.readline()  # expect: never-awaited
    second = await reader.readline()
    writer.close()
    await writer.wait_closed()
    far.close()
    return second


asyncio.run(main())
