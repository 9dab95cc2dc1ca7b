import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits():
    queue = asyncio.Queue(1)
    await queue.put(1)
    await queue.put(2)  # expect: stuck nobody


async def main():
    spawn(waits())
    await asyncio.sleep(0.01)


asyncio.run(main())
