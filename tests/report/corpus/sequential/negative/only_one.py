import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    one = await fetch(1)
    assert one == 1


asyncio.run(main())
