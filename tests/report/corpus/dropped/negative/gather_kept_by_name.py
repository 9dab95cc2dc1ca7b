import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    both = asyncio.gather(work(), work())
    await asyncio.sleep(0.01)
    await both


asyncio.run(main())
