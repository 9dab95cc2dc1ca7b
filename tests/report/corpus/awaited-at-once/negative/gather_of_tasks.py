import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    await asyncio.gather(asyncio.create_task(work(1)), asyncio.create_task(work(2)))


asyncio.run(main())
