import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def forever():
    await asyncio.sleep(60)


async def main():
    task = asyncio.create_task(forever())
    await asyncio.sleep(0.01)
    task.cancel()


asyncio.run(main())
