import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


class Service:
    def start(self):
        self.task = asyncio.create_task(work())


async def main():
    service = Service()
    service.start()
    await asyncio.sleep(0.01)


asyncio.run(main())
