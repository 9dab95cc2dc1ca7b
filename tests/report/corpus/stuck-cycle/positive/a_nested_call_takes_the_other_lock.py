import asyncio


class Registry:
    def __init__(self):
        self.names = asyncio.Lock()
        self.values = asyncio.Lock()

    async def _store(self, value):
        async with self.values:  # expect: stuck cycle
            return value

    async def _rename(self, name):
        async with self.names:  # expect: stuck cycle
            return name

    async def register(self, name):
        async with self.names:
            await asyncio.sleep(0)
            return await self._store(name)

    async def compact(self):
        async with self.values:
            await asyncio.sleep(0)
            return await self._rename("")


async def main():
    registry = Registry()
    tasks = [asyncio.create_task(registry.register("a")), asyncio.create_task(registry.compact())]
    del registry
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
