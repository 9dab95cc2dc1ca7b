import asyncio


async def step():
    try:
        async with asyncio.timeout(0.005):
            await asyncio.sleep(60)
    except TimeoutError:
        return


async def steps():
    await step()
    await asyncio.sleep(60)


async def main():
    task = asyncio.create_task(steps())
    await asyncio.sleep(0.03)
    assert not task.done()


asyncio.run(main())
