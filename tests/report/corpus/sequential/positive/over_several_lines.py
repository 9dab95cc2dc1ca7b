import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    one = await fetch(  # expect: sequential
        1,
    )
    two = await fetch(
        2,
    )
    assert one + two == 3


asyncio.run(main())
