import asyncio


async def eats(left, right):
    async with left:
        await asyncio.sleep(0.005)
        async with right:  # expect: stuck cycle
            await asyncio.sleep(0)


async def main():
    forks = [asyncio.Lock() for _ in range(5)]
    tasks = [asyncio.create_task(eats(forks[seat], forks[(seat + 1) % 5])) for seat in range(5)]
    del forks
    await asyncio.sleep(0.05)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
