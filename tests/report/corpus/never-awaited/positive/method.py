import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


class Service:
    async def run(self):
        await work()


async def main():
    Service().run()  # expect: never-awaited


asyncio.run(main())
