import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def waits(other):
    await other


async def main():
    task = asyncio.create_task(waits(asyncio.create_task(work())))
    await asyncio.sleep(0)
    await task


asyncio.run(main())
