import asyncio
import time


def done(task):
    time.sleep(0.4)  # expect: blocking


async def main():
    task = asyncio.create_task(asyncio.sleep(0.01))
    task.add_done_callback(done)
    await asyncio.sleep(0.05)


asyncio.run(main())
