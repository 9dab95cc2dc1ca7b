import asyncio
import time


async def main():
    for _ in range(2):
        await asyncio.sleep(0)
        time.sleep(0.4)  # expect: blocking


asyncio.run(main())
