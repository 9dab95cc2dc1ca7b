import asyncio
import time


async def main():
    await asyncio.sleep(0.01)
    time.sleep(0.4)  # expect: blocking
    await asyncio.sleep(0.01)


asyncio.run(main())
