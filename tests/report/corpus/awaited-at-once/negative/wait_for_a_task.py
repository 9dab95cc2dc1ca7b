import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    await asyncio.wait_for(asyncio.create_task(work(1)), 5)


asyncio.run(main())
