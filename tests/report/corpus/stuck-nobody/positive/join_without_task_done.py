import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits(queue):
    await queue.join()  # expect: stuck nobody


async def main():
    queue = asyncio.Queue()
    queue.put_nowait(1)
    spawn(waits(queue))
    await asyncio.sleep(0.01)


asyncio.run(main())
