import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


background = set()


async def main():
    task = asyncio.create_task(work())
    background.add(task)
    task.add_done_callback(background.discard)
    del task
    await asyncio.sleep(0.01)


asyncio.run(main())
