import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def child():
    work()  # expect: never-awaited
    await asyncio.sleep(0)


async def main():
    task = asyncio.create_task(child())
    await asyncio.sleep(0.01)
    await task


asyncio.run(main())
