import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def produces(queue):
    await queue.put(1)


async def consumes(queue):
    while True:
        await queue.get()  # expect: stuck nobody


async def main():
    queue = asyncio.Queue()
    spawn(consumes(queue))
    await produces(queue)
    await asyncio.sleep(0.01)


asyncio.run(main())
