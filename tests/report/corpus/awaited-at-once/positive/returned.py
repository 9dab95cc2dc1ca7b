import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def inner():
    return await asyncio.create_task(work(3))  # expect: awaited-at-once


async def main():
    assert await inner() == 3


asyncio.run(main())
