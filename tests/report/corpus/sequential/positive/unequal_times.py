import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def slow():
    await asyncio.sleep(0.03)
    return 1


async def main():
    one = await fetch(1)  # expect: sequential
    two = await slow()
    assert one + two == 2


asyncio.run(main())
