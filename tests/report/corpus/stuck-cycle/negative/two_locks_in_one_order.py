import asyncio


async def transfer(first, second):
    async with first:
        await asyncio.sleep(0.002)
        async with second:
            await asyncio.sleep(60)


async def main():
    one, other = asyncio.Lock(), asyncio.Lock()
    tasks = [asyncio.create_task(transfer(one, other)) for _ in range(2)]
    del one, other
    await asyncio.sleep(0.02)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
