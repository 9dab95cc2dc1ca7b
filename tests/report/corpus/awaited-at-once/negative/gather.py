import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    await asyncio.gather(work(1), work(2))


asyncio.run(main())
