import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits(future):
    await future


async def main():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(60, lambda: future.set_result(1))
    spawn(waits(future))
    await asyncio.sleep(0.01)


asyncio.run(main())
