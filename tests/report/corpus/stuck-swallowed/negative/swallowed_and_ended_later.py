import asyncio


async def flushes():
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        pass
    await asyncio.sleep(0.01)  # the rest of what it has


async def main():
    task = asyncio.create_task(flushes())
    await asyncio.sleep(0.01)
    task.cancel()
    await task


asyncio.run(main())
