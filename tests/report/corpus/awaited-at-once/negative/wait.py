import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    done, _ = await asyncio.wait([asyncio.create_task(work(1))])
    assert len(done) == 1


asyncio.run(main())
