import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


event = asyncio.Event()


async def waits():
    await event.wait()


async def main():
    spawn(waits())
    await asyncio.sleep(0.01)


asyncio.run(main())
