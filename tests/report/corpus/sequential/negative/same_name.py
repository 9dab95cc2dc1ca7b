import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    value = await fetch(1)
    value = await fetch(2)
    assert value == 2


asyncio.run(main())
