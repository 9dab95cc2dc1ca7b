import asyncio
import functools


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    call = functools.partial(work, 3)
    call()  # expect: never-awaited
    await asyncio.sleep(0)


asyncio.run(main())
