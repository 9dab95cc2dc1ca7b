import asyncio


class Service:
    """stop() waits for the Task that calls it, by way of another Task."""

    def start(self):
        self.running = asyncio.create_task(self.run())

    async def run(self):
        await asyncio.sleep(0)
        await asyncio.create_task(self.stop(), name="stop")  # expect: stuck cycle

    async def stop(self):
        await asyncio.wait([self.running])  # expect: stuck cycle


async def main():
    Service().start()
    await asyncio.sleep(0.01)


asyncio.run(main())
