import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


futures = []


async def waits():
    future = asyncio.get_running_loop().create_future()
    futures.append(future)
    await future


async def main():
    spawn(waits())
    await asyncio.sleep(0.01)


asyncio.run(main())
