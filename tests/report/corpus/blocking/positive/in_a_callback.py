import asyncio
import time


def callback():
    time.sleep(0.4)  # expect: blocking


async def main():
    asyncio.get_running_loop().call_soon(callback)
    await asyncio.sleep(0.01)


asyncio.run(main())
