import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    try:
        coroutine = work()  # expect: never-awaited
        raise ValueError(coroutine is None)
    except ValueError:
        pass


asyncio.run(main())
