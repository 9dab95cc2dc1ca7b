import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def child():
    asyncio.create_task(work())  # expect: dropped
    await asyncio.sleep(0)


async def main():
    await child()
    await asyncio.sleep(0.01)


asyncio.run(main())
