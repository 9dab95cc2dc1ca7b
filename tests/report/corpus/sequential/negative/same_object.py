import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def step(state, number):
    await asyncio.sleep(0.01)
    return state, number


async def main():
    state = object()
    one = await step(state, 1)
    two = await step(state, 2)
    assert one != two


asyncio.run(main())
