import asyncio


class Server:
    def __init__(self):
        self.stopped = asyncio.Event()

    async def close(self):
        await asyncio.sleep(0.05)

    async def run(self):
        try:
            await self.stopped.wait()
        finally:
            await self.close()


async def main():
    task = asyncio.create_task(Server().run())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
