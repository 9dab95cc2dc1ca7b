import asyncio


async def fetch(number):
    await asyncio.sleep(0.01)
    return number


async def main():
    await fetch(1)
    await fetch(2)


asyncio.run(main())
