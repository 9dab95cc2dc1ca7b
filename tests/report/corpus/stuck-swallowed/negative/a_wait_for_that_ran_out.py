import asyncio


async def steps():
    for _ in range(2):
        try:
            await asyncio.wait_for(asyncio.sleep(60), 0.005)
        except TimeoutError:
            pass
    await asyncio.sleep(60)


async def main():
    task = asyncio.create_task(steps())
    await asyncio.sleep(0.05)
    assert not task.done()


asyncio.run(main())
