import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def produces(queue):
    await asyncio.sleep(60)
    queue.put_nowait(1)


async def consumes(queue):
    await queue.get()


async def main():
    queue = asyncio.Queue()
    spawn(consumes(queue))
    spawn(produces(queue))
    await asyncio.sleep(0.01)


asyncio.run(main())
