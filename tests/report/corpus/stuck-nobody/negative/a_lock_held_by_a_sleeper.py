import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def holds(lock):
    async with lock:
        await asyncio.sleep(60)


async def waits(lock):
    async with lock:
        pass


async def main():
    lock = asyncio.Lock()
    spawn(holds(lock))
    spawn(waits(lock))
    await asyncio.sleep(0.01)


asyncio.run(main())
