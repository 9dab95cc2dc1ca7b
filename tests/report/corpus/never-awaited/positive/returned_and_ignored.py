import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


def start():
    return work()  # expect: never-awaited


async def main():
    start()
    await asyncio.sleep(0)


asyncio.run(main())
