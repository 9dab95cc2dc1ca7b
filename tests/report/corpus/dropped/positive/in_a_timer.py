import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


def callback():
    asyncio.ensure_future(work())  # expect: dropped


async def main():
    asyncio.get_running_loop().call_later(0.001, callback)
    await asyncio.sleep(0.02)


asyncio.run(main())
