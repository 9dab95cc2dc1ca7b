import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    one, two = await asyncio.gather(fetch(1), fetch(2))
    assert one + two == 3


asyncio.run(main())
