import asyncio
import time


async def main():
    time.sleep(0.4)  # expect: blocking


asyncio.run(main())
