import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


count = 0


async def next_number(step):
    global count
    await asyncio.sleep(0.01)
    count += step
    return count


async def main():
    one = await next_number(1)
    two = await next_number(2)
    assert one < two


asyncio.run(main())
