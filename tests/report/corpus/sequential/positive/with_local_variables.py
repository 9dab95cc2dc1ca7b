import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def compute(number):
    total = 0
    for _ in range(number):
        await asyncio.sleep(0.005)
        total += 1
    return total


async def main():
    one = await compute(1)  # expect: sequential
    two = await compute(2)
    assert one + two == 3


asyncio.run(main())
