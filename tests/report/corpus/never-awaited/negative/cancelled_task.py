import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    task = asyncio.create_task(work())
    task.cancel()
    await asyncio.sleep(0.01)
    assert task.cancelled()


asyncio.run(main())
