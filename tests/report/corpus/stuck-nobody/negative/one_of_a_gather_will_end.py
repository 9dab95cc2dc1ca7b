import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits():
    await asyncio.wait([spawn(asyncio.sleep(60)), spawn(asyncio.sleep(50))], return_when="FIRST_COMPLETED")


async def main():
    spawn(waits())
    await asyncio.sleep(0.01)


asyncio.run(main())
