import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    total = 0
    for number in range(3):
        one = await fetch(number)  # expect: sequential
        two = await fetch(10)
        total += one + two
    assert total == 33


asyncio.run(main())
