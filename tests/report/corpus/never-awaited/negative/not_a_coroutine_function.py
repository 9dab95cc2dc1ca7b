import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


def plain():
    return 1


async def main():
    plain()
    await work()


asyncio.run(main())
