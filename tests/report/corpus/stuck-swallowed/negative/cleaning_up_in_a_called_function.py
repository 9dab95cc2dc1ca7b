import asyncio


async def say_goodbye():
    await asyncio.sleep(0.05)


async def uses():
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await say_goodbye()
        raise


async def main():
    task = asyncio.create_task(uses())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
