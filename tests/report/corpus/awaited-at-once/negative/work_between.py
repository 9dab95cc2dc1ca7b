import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await task


asyncio.run(main())
