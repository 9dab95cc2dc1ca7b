import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits():
    future = asyncio.get_running_loop().create_future()
    await future  # expect: stuck nobody
    assert future.done()


async def main():
    spawn(waits())
    await asyncio.sleep(0.01)


asyncio.run(main())
