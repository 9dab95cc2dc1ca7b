import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)


asyncio.run(main())
