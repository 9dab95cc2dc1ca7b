import asyncio

import tepal


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    tepal.Task(work())  # expect: dropped
    await asyncio.sleep(0.01)


asyncio.run(main())
