import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


def callback():
    work()  # expect: never-awaited


async def main():
    asyncio.get_running_loop().call_soon(callback)
    await asyncio.sleep(0.01)


asyncio.run(main())
