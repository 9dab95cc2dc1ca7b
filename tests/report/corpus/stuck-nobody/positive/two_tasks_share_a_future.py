import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits(future):
    await future  # expect: stuck nobody


async def main():
    future = asyncio.get_running_loop().create_future()
    spawn(waits(future))
    spawn(waits(future))
    await asyncio.sleep(0.01)


asyncio.run(main())
