import asyncio
import time


async def part():
    time.sleep(0.005)
    await asyncio.sleep(0)


async def main():
    await asyncio.gather(*[part() for _ in range(40)])


asyncio.run(main())
