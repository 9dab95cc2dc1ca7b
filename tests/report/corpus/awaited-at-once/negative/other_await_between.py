import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    task = asyncio.create_task(work(1))
    other = await work(2)
    assert await task + other == 3


asyncio.run(main())
