import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    coroutines = [work(number) for number in range(3)]  # expect: never-awaited
    await asyncio.sleep(0)
    assert len(coroutines) == 3


asyncio.run(main())
