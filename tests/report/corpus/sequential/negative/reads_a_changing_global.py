import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


state = {}


async def read(key):
    await asyncio.sleep(0.01)
    return state.get(key)


async def main():
    one = await read("a")
    two = await read("b")
    assert one is two


asyncio.run(main())
