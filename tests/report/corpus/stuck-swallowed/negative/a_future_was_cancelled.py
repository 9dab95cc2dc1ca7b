import asyncio


async def waits(future):
    try:
        await future
    except asyncio.CancelledError:
        pass
    await asyncio.sleep(60)


async def main():
    future = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(waits(future))
    await asyncio.sleep(0.01)
    future.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
