import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    values = [await asyncio.create_task(work(number)) for number in range(3)]  # expect: awaited-at-once
    assert values == [0, 1, 2]


asyncio.run(main())
