import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    task = asyncio.create_task(work(5))  # expect: awaited-at-once
    value = await task
    assert value == 5


asyncio.run(main())
