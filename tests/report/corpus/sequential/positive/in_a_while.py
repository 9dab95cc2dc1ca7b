import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    left = 2
    while left:
        one = await fetch(1)  # expect: sequential
        two = await fetch(2)
        left -= two - one


asyncio.run(main())
