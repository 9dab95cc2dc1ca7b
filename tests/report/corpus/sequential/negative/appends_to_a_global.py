import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


seen = []


async def remember(number):
    await asyncio.sleep(0.01)
    seen.append(number)
    return number


async def main():
    one = await remember(1)
    two = await remember(2)
    assert seen == [one, two]


asyncio.run(main())
