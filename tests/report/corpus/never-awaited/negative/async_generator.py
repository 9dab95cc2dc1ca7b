import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def numbers():
    yield 1


async def main():
    numbers()
    await asyncio.sleep(0)


asyncio.run(main())
