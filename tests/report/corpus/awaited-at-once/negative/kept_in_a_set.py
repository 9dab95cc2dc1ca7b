import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


tasks = set()


async def main():
    task = asyncio.create_task(work(1))
    tasks.add(task)
    await task


asyncio.run(main())
