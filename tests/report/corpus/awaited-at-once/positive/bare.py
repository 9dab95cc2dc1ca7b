import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    await asyncio.create_task(work())  # expect: awaited-at-once


asyncio.run(main())
