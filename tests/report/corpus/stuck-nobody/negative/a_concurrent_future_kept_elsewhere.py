import asyncio
import concurrent.futures

jobs = {}


async def waits(number):
    jobs[number] = concurrent.futures.Future()
    await asyncio.wrap_future(jobs[number])


async def main():
    task = asyncio.create_task(waits(1))
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
