import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


def start():
    task = asyncio.create_task(work())  # expect: dropped
    assert not task.done()


async def main():
    start()
    await asyncio.sleep(0.01)


asyncio.run(main())
