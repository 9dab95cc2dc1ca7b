import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    if await asyncio.create_task(work(1)) == 1:  # expect: awaited-at-once
        await work()


asyncio.run(main())
