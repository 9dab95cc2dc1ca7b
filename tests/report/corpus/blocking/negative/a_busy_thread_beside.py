import asyncio
import time


def busy(seen):
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        seen.append(1)
        time.sleep(0.001)


async def main():
    seen = []
    await asyncio.to_thread(busy, seen)
    assert seen


asyncio.run(main())
