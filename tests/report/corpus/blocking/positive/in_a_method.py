import asyncio
import time


class Service:
    def load(self):
        time.sleep(0.4)  # expect: blocking

    async def run(self):
        self.load()


async def main():
    await Service().run()


asyncio.run(main())
