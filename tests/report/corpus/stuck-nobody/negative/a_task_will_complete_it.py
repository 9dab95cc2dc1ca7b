import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits(future):
    await future


async def completes(future):
    await asyncio.sleep(60)
    future.set_result(1)


async def main():
    future = asyncio.get_running_loop().create_future()
    spawn(waits(future))
    spawn(completes(future))
    await asyncio.sleep(0.01)


asyncio.run(main())
