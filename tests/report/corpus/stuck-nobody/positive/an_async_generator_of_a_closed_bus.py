import asyncio


class Bus:
    def __init__(self):
        self.subscribers = set()

    async def events(self):
        queue = asyncio.Queue()
        self.subscribers.add(queue)
        try:
            while True:
                yield await queue.get()  # expect: stuck nobody
        finally:
            self.subscribers.discard(queue)


async def listens():
    async for event in Bus().events():
        print(event)


async def main():
    task = asyncio.create_task(listens())
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
