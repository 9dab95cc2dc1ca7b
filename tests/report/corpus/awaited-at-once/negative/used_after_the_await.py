import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    task = asyncio.create_task(work(1))
    await task
    assert task.result() == 1


asyncio.run(main())
