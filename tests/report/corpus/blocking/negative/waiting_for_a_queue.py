import asyncio


async def main():
    queue = asyncio.Queue()
    asyncio.get_running_loop().call_later(0.3, queue.put_nowait, 1)
    assert await queue.get() == 1


asyncio.run(main())
