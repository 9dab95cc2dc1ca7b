import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    asyncio.create_task(work()).add_done_callback(print_nothing)  # expect: dropped
    await asyncio.sleep(0.01)


def print_nothing(task):
    assert task.done()


asyncio.run(main())
