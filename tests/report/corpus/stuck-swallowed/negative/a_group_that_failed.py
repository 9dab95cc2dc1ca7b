import asyncio


async def fails():
    raise ValueError


async def runs():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            await asyncio.sleep(60)
    except* ValueError:
        pass
    await asyncio.sleep(60)


async def main():
    task = asyncio.create_task(runs())
    await asyncio.sleep(0.02)
    assert not task.done()


asyncio.run(main())
