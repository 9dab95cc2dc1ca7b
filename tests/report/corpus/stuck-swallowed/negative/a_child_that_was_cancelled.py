import asyncio


async def child():
    await asyncio.sleep(60)


async def parent():
    task = asyncio.create_task(child())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    await asyncio.sleep(60)


async def main():
    task = asyncio.create_task(parent())
    await asyncio.sleep(0.02)
    assert not task.done()


asyncio.run(main())
