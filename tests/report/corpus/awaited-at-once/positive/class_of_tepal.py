import asyncio

import tepal


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    await tepal.Task(work())  # expect: awaited-at-once


asyncio.run(main())
