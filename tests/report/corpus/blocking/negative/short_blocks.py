import asyncio
import time


async def main():
    for _ in range(10):
        time.sleep(0.01)
        await asyncio.sleep(0)


asyncio.run(main())
