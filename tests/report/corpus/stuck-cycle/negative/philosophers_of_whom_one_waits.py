import asyncio


async def eats(forks, left, right):
    async with forks[min(left, right)]:
        await asyncio.sleep(0.001)
        async with forks[max(left, right)]:
            await asyncio.sleep(60)


async def main():
    forks = [asyncio.Lock() for _ in range(3)]
    tasks = [asyncio.create_task(eats(forks, seat, (seat + 1) % 3)) for seat in range(3)]
    del forks
    await asyncio.sleep(0.02)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
