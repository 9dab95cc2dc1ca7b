import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    await asyncio.wait([asyncio.create_task(work()), asyncio.create_task(work())])


asyncio.run(main())
