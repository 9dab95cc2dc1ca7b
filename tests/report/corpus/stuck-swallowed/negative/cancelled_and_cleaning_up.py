import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def polite():
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.05)


async def main():
    task = spawn(polite())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


asyncio.run(main())
