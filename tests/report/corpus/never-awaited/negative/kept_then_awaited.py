import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    coroutine = work()
    await asyncio.sleep(0)
    await coroutine


asyncio.run(main())
