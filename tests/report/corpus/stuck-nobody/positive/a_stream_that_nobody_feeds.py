import asyncio


async def reads(reader):
    return await reader.readline()  # expect: stuck nobody


async def main():
    task = asyncio.create_task(reads(asyncio.StreamReader()))
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
