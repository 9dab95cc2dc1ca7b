import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    try:
        one = await fetch(1)
        two = await fetch(2)
    except ValueError:
        one = two = 0
    assert one + two == 3


asyncio.run(main())
