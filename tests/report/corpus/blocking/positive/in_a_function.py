import asyncio
import time


def slow():
    time.sleep(0.4)  # expect: blocking


async def main():
    slow()


asyncio.run(main())
