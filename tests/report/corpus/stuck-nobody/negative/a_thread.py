import asyncio
import time

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits():
    await asyncio.to_thread(time.sleep, 0.2)


async def main():
    spawn(waits())
    await asyncio.sleep(0.01)


asyncio.run(main())
