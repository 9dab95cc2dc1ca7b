import asyncio
import time


def again(left):
    time.sleep(0.005)
    if left:
        asyncio.get_running_loop().call_soon(again, left - 1)


async def main():
    again(40)
    await asyncio.sleep(0.4)


asyncio.run(main())
