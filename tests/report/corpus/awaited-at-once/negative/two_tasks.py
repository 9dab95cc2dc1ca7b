import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    one = asyncio.create_task(work(1))
    two = asyncio.create_task(work(2))
    assert await one + await two == 3


asyncio.run(main())
