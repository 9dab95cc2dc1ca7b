import asyncio
import time


async def main():
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass  # expect: blocking


asyncio.run(main())
