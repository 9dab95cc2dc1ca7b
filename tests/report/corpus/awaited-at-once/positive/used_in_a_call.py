"""What the Task gives is an argument: the function's name is all that lies between."""

import asyncio


async def load(number):
    await asyncio.sleep(0)
    return number


async def main():
    task = asyncio.create_task(load(1))  # expect: awaited-at-once
    print(await task)
    other = asyncio.create_task(load(2))  # expect: awaited-at-once
    return max(1, await other)


asyncio.run(main())
