import asyncio


async def transfer(first, second):
    async with first:
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            async with second:
                pass


async def main():
    one, other = asyncio.Lock(), asyncio.Lock()
    tasks = [asyncio.create_task(transfer(one, other)), asyncio.create_task(transfer(other, one))]
    del one, other
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
