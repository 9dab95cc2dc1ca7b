import asyncio


async def job():
    await asyncio.sleep(0.05)


async def runs():
    inner = asyncio.create_task(job())
    try:
        await asyncio.shield(inner)
    except asyncio.CancelledError:
        await inner
        raise


async def main():
    task = asyncio.create_task(runs())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
