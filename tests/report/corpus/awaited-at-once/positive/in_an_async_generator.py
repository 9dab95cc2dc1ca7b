import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def numbers():
    for number in range(3):
        yield await asyncio.create_task(work(number))  # expect: awaited-at-once


async def main():
    assert [number async for number in numbers()] == [0, 1, 2]


asyncio.run(main())
