import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits(task):
    await task


async def main():
    spawn(waits(spawn(asyncio.sleep(60))))
    await asyncio.sleep(0.01)


asyncio.run(main())
