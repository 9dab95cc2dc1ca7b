import asyncio
import contextlib

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.get_running_loop().create_future()
    await asyncio.get_running_loop().create_future()  # expect: stuck nobody


async def main():
    spawn(waits())
    await asyncio.sleep(0.05)


asyncio.run(main())
