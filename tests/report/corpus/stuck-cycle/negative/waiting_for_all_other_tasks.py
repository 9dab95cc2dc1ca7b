import asyncio


async def drain(task):
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task(), task})


async def work():
    await asyncio.sleep(60)


async def main():
    tasks = [asyncio.create_task(work()), asyncio.create_task(drain(asyncio.current_task()))]
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
