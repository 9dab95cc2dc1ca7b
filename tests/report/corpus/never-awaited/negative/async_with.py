import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    lock = asyncio.Lock()
    async with lock:
        await work()


asyncio.run(main())
