import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    queue = asyncio.Queue()
    queue.put(1)  # expect: never-awaited
    await asyncio.sleep(0)
    assert queue.empty()


asyncio.run(main())
