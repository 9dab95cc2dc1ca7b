import asyncio


async def cleans_up():
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.05)


async def fails():
    raise ValueError


async def runs():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(cleans_up())
            await asyncio.sleep(0)
            group.create_task(fails())
    except* ValueError:
        pass


async def main():
    task = asyncio.create_task(runs())
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
