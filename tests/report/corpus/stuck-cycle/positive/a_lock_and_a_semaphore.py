import asyncio


class Store:
    def __init__(self):
        self.writing = asyncio.Lock()
        self.connections = asyncio.Semaphore(1)

    async def save(self):
        async with self.writing:
            await asyncio.sleep(0)
            async with self.connections:  # expect: stuck cycle
                pass

    async def migrate(self):
        async with self.connections:
            await asyncio.sleep(0)
            async with self.writing:  # expect: stuck cycle
                pass


async def main():
    store = Store()
    tasks = [asyncio.create_task(store.save()), asyncio.create_task(store.migrate())]
    del store
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
