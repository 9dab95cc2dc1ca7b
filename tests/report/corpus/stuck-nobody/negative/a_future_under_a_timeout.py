import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits():
    async with asyncio.timeout(60):
        await asyncio.get_running_loop().create_future()


async def waits_for_an_item():
    await asyncio.wait_for(asyncio.Queue().get(), 60)


async def main():
    spawn(waits())
    spawn(waits_for_an_item())
    await asyncio.sleep(0.01)


asyncio.run(main())
