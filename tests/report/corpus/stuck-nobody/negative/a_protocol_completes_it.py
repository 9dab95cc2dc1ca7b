import asyncio


class Greeting(asyncio.Protocol):
    def __init__(self, greeted):
        self.greeted = greeted

    def data_received(self, data):
        self.greeted.set_result(data)


async def waits(future):
    await future


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    greeted = loop.create_future()
    transport, _ = await loop.create_connection(lambda: Greeting(greeted), *server.sockets[0].getsockname())
    task = asyncio.create_task(waits(greeted))
    del greeted
    await asyncio.sleep(0.01)
    assert not task.done()
    loop.call_soon(transport.abort)
    server.close()


asyncio.run(main())
