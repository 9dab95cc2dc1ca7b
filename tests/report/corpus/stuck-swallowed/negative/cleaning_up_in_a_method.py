import asyncio


class Session:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        await asyncio.sleep(0.05)


async def uses():
    async with Session():
        await asyncio.sleep(60)


async def main():
    task = asyncio.create_task(uses())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
