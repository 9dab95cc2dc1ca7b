import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    for each in asyncio.as_completed([work(1), work(2)]):
        await each


asyncio.run(main())
