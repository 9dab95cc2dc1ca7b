import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits():
    await asyncio.get_running_loop().create_future()  # expect: stuck nobody


async def waits_for(task):
    await task  # expect: stuck behind


async def main():
    spawn(waits_for(spawn(waits())))
    await asyncio.sleep(0.01)


asyncio.run(main())
