import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def through(number):
    return await fetch(number)


async def main():
    one = await through(1)  # expect: sequential
    two = await through(2)
    assert one + two == 3


asyncio.run(main())
