import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits():
    await asyncio.sleep(60)


async def main():
    spawn(waits())
    await asyncio.sleep(0.01)


asyncio.run(main())
