import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def quick():
    return 1


async def main():
    for _ in range(10):
        await asyncio.create_task(quick())  # expect: awaited-at-once


asyncio.run(main())
