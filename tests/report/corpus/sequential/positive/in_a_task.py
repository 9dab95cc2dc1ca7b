import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def both():
    one = await fetch(1)  # expect: sequential
    two = await fetch(2)
    return one + two


async def main():
    task = asyncio.create_task(both())
    await asyncio.sleep(0)
    assert await task == 3


asyncio.run(main())
