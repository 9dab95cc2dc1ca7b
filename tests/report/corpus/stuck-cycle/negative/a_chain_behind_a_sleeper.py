import asyncio


async def link(task):
    await task


async def main():
    task = asyncio.create_task(asyncio.sleep(60))
    tasks = [task]
    for _ in range(5):
        tasks.append(task := asyncio.create_task(link(task)))
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
