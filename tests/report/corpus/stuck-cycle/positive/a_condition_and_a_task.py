import asyncio


async def reader(condition):
    async with condition:  # expect: stuck cycle
        condition.notify_all()


async def writer(condition):
    async with condition:
        other = asyncio.create_task(reader(condition))
        await asyncio.sleep(0)
        await asyncio.wait({other})  # expect: stuck cycle


async def main():
    task = asyncio.create_task(writer(asyncio.Condition()))
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
