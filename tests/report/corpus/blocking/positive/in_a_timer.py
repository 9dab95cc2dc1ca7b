import asyncio
import time


def callback():
    time.sleep(0.4)  # expect: blocking


async def main():
    asyncio.get_running_loop().call_later(0.01, callback)
    await asyncio.sleep(0.05)


asyncio.run(main())
