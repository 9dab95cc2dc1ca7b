import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    one = await fetch(number=1)  # expect: sequential
    two = await fetch(number=2)
    assert one + two == 3


asyncio.run(main())
