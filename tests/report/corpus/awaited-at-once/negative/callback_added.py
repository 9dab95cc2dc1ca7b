import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    seen = []
    task = asyncio.create_task(work(1))
    task.add_done_callback(seen.append)
    await task
    assert seen == [task]


asyncio.run(main())
