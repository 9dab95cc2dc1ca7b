import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    for number in range(5):
        asyncio.create_task(work(number))  # expect: dropped
    await asyncio.sleep(0.01)


asyncio.run(main())
