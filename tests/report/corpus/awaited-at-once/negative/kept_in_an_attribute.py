import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


class Service:
    async def run(self):
        self.task = asyncio.create_task(work(1))
        await self.task


async def main():
    await Service().run()


asyncio.run(main())
