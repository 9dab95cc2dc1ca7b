import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    task = asyncio.create_task(work(1))  # expect: dropped
    del task
    await asyncio.sleep(0.01)


asyncio.run(main())
