import asyncio


class Supervisor:
    def __init__(self):
        self.workers = set()
        self.wanted = asyncio.Event()

    async def work(self):
        await self.wanted.wait()

    async def run(self):
        self.workers = {asyncio.create_task(self.work()) for _ in range(3)}
        await asyncio.wait(self.workers, timeout=60)
        self.wanted.set()


async def main():
    task = asyncio.create_task(Supervisor().run())
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
