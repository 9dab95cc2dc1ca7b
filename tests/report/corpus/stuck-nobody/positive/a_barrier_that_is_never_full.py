import asyncio


async def party(barrier):
    await barrier.wait()  # expect: stuck nobody


async def main():
    barrier = asyncio.Barrier(3)
    parties = [asyncio.create_task(party(barrier)) for _ in range(2)]
    del barrier
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in parties)


asyncio.run(main())
