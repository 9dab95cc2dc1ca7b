import asyncio


async def main():
    lock = asyncio.Lock()
    await lock.acquire()
    asyncio.get_running_loop().call_later(0.3, lock.release)
    await lock.acquire()


asyncio.run(main())
