import asyncio


class Client:
    """Requests are answered by a reader Task, which nobody has started."""

    def __init__(self):
        self.pending = {}
        self.sent = []

    async def request(self, number):
        self.pending[number] = asyncio.get_running_loop().create_future()
        self.sent.append(number)
        return await self.pending[number]  # expect: stuck nobody


async def session():
    return await Client().request(1)


async def main():
    running = asyncio.create_task(session())
    await asyncio.sleep(0.01)
    assert not running.done()


asyncio.run(main())
