import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    coroutine = work()  # expect: never-awaited
    assert coroutine is not None


asyncio.run(main())
