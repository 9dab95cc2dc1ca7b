import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def both(first, second):
    one = await fetch(first)  # expect: sequential
    two = await fetch(second)
    return one + two


async def main():
    assert await both(1, 2) == 3


asyncio.run(main())
