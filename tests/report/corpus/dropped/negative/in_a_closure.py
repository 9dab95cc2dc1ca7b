import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


def start():
    task = asyncio.create_task(work())
    return lambda: task


async def main():
    look = start()
    await asyncio.sleep(0.01)
    assert look().done()


asyncio.run(main())
