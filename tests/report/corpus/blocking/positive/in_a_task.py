import asyncio
import time


async def blocks():
    time.sleep(0.4)  # expect: blocking


async def main():
    task = asyncio.create_task(blocks())
    await asyncio.sleep(0)
    await task


asyncio.run(main())
