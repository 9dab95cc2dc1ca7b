import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    value = await asyncio.create_task(work(3))  # expect: awaited-at-once
    assert value == 3


asyncio.run(main())
