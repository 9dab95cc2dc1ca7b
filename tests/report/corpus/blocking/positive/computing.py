import asyncio
import time


async def main():
    end = time.thread_time() + 0.3
    assert not any(iter(lambda: time.thread_time() > end, True))  # expect: blocking


asyncio.run(main())
