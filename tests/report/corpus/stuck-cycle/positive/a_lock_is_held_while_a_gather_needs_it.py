import asyncio


class Cache:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.values = {}

    async def load(self, key):
        async with self.lock:  # expect: stuck cycle
            self.values[key] = key

    async def refresh(self):
        async with self.lock:
            await asyncio.gather(*(self.load(key) for key in "ab"))  # expect: stuck cycle


async def main():
    task = asyncio.create_task(Cache().refresh())
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
