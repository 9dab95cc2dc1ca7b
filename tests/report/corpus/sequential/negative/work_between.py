import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    one = await fetch(1)
    assert one == 1
    two = await fetch(2)
    assert two == 2


asyncio.run(main())
