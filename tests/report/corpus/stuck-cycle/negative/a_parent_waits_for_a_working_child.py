import asyncio


async def child(parent, progress):
    while not parent.done():
        progress.append(1)
        await asyncio.sleep(0.005)


async def parent(progress):
    async with asyncio.TaskGroup() as group:
        group.create_task(child(asyncio.current_task(), progress))


async def main():
    progress = []
    task = asyncio.create_task(parent(progress))
    await asyncio.sleep(0.02)
    assert progress
    assert not task.done()


asyncio.run(main())
