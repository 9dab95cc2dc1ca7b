import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    queue = asyncio.Queue()
    queue.put_nowait(asyncio.create_task(work()))
    await asyncio.sleep(0.01)
    await (await queue.get())


asyncio.run(main())
