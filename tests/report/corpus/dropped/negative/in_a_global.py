import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


task = None


async def main():
    global task
    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)


asyncio.run(main())
