import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    async with asyncio.timeout(5):
        task = asyncio.create_task(work(1))
        await asyncio.sleep(0)
        await task


asyncio.run(main())
