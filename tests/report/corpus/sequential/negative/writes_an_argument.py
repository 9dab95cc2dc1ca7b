import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def fill(box):
    await asyncio.sleep(0.01)
    box["full"] = True
    return box


async def main():
    first, second = {}, {}
    one = await fill(first)
    two = await fill(second)
    assert one == two


asyncio.run(main())
