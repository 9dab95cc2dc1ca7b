import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    asyncio.sleep(1)  # expect: never-awaited
    await work()


asyncio.run(main())
