import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits():
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
    except TimeoutError:
        pass
    await asyncio.sleep(60)


async def main():
    spawn(waits())
    await asyncio.sleep(0.05)


asyncio.run(main())
