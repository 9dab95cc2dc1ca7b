import asyncio
import socket


async def main():
    near, far = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=near)
    far.send(b"one\ntwo\nthree")
    first = await reader.readline()
    reading = reader.readuntil(b"\n")
    second = await asyncio.wait_for(reading, 1)
    writer.write(first + second)
    await asyncio.gather(writer.drain(), reader.readexactly(5))
    given_up = reader.read(1)
    given_up.close()
    writer.close()
    await writer.wait_closed()
    far.close()


asyncio.run(main())
