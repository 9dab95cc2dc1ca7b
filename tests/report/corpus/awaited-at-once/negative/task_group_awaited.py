import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    async with asyncio.TaskGroup() as group:
        assert await group.create_task(work(1)) == 1


asyncio.run(main())
