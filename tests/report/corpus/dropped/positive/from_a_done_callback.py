import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


def again(future):
    asyncio.ensure_future(work())  # expect: dropped


async def main():
    task = asyncio.create_task(work())
    task.add_done_callback(again)
    await asyncio.sleep(0.01)
    assert task.done()


asyncio.run(main())
