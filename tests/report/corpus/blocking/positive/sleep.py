import asyncio
import time


async def main():
    time.sleep(0.2)  # expect: blocking


asyncio.run(main())
