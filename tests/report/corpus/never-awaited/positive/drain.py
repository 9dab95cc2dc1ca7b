import asyncio


async def serve(reader, writer):
    while data := await reader.read(100):
        writer.write(data)
        writer.drain()  # expect: never-awaited
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello")
        await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.01)


asyncio.run(main())
