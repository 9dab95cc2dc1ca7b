import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


class Service:
    async def fetch(self, number):
        return await work(number)

    async def run(self):
        return await asyncio.create_task(self.fetch(2))  # expect: awaited-at-once


async def main():
    assert await Service().run() == 2


asyncio.run(main())
