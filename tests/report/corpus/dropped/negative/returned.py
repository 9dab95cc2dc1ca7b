import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


def start():
    return asyncio.create_task(work())


async def main():
    task = start()
    await asyncio.sleep(0.01)
    assert task.done()


asyncio.run(main())
