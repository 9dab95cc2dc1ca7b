import asyncio


class Client:
    def __init__(self):
        self.pending = {}
        self.lines = asyncio.Queue()

    async def request(self, number):
        self.pending[number] = asyncio.get_running_loop().create_future()
        return await self.pending[number]

    async def read(self):
        while True:
            await asyncio.sleep(60)
            self.pending.pop(1).set_result(None)


async def main():
    client = Client()
    tasks = [asyncio.create_task(client.request(1)), asyncio.create_task(client.read())]
    del client
    await asyncio.sleep(0.01)
    assert not tasks[0].done()


asyncio.run(main())
