import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


class Service:
    def start(self):
        asyncio.create_task(self.run())  # expect: dropped

    async def run(self):
        await work()


async def main():
    Service().start()
    await asyncio.sleep(0.01)


asyncio.run(main())
