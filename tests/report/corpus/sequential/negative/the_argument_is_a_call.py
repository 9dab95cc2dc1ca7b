import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


def following():
    return 1


async def main():
    one = await fetch(following())
    two = await fetch(2)
    assert one + two == 3


asyncio.run(main())
