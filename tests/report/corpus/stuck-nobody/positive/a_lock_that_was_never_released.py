import asyncio


async def careless(lock):
    await lock.acquire()
    try:
        raise ValueError("no release() on the way out")
    except ValueError:
        return


async def careful(lock):
    async with lock:  # expect: stuck nobody
        return True


async def main():
    lock = asyncio.Lock()
    await careless(lock)
    waiting = asyncio.create_task(careful(lock))
    del lock
    await asyncio.sleep(0.01)
    assert not waiting.done()


asyncio.run(main())
