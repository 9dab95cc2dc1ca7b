import asyncio
import contextlib


@contextlib.asynccontextmanager
async def connection():
    try:
        yield
    finally:
        await asyncio.sleep(0.05)


async def uses():
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(connection())
        await asyncio.sleep(60)


async def main():
    task = asyncio.create_task(uses())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
