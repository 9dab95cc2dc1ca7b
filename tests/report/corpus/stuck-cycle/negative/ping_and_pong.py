import asyncio


async def player(mine, others):
    while True:
        await mine.get()
        await asyncio.sleep(0.001)
        others.put_nowait("ball")


async def main():
    left, right = asyncio.Queue(), asyncio.Queue()
    left.put_nowait("ball")
    tasks = [asyncio.create_task(player(left, right)), asyncio.create_task(player(right, left))]
    del left, right
    await asyncio.sleep(0.02)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
