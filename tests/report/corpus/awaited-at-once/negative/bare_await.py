import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    assert await work(2) == 2


asyncio.run(main())
