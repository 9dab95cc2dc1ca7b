import asyncio


async def audit(lock):
    async with lock:  # expect: stuck cycle
        return 1


async def order(lock):
    async with lock:
        auditing = asyncio.create_task(audit(lock))
        await asyncio.sleep(0)
        return await auditing  # expect: stuck cycle


async def main():
    task = asyncio.create_task(order(asyncio.Lock()))
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
