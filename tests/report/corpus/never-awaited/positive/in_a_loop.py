import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    for number in range(5):
        work(number)  # expect: never-awaited


asyncio.run(main())
