import asyncio


async def party(barrier, met):
    met.append(await barrier.wait())
    await asyncio.sleep(60)


async def main():
    met = []
    barrier = asyncio.Barrier(2)
    tasks = [asyncio.create_task(party(barrier, met)) for _ in range(2)]
    del barrier
    await asyncio.sleep(0.01)
    assert sorted(met) == [0, 1]
    assert not any(each.done() for each in tasks)


asyncio.run(main())
