import asyncio
import time


async def main():
    end = time.monotonic() + 0.3
    assert not any(iter(lambda: time.monotonic() > end, True))  # expect: blocking


asyncio.run(main())
