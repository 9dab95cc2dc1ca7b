import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    total = 0
    for number in range(20):
        total += await asyncio.create_task(work(number))  # expect: awaited-at-once
    assert total == 190


asyncio.run(main())
