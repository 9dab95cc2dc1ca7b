import asyncio
import concurrent.futures
import time


async def waits(pool):
    await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0.2)


async def main():
    task = asyncio.create_task(waits(pool))
    await asyncio.sleep(0.01)
    assert not task.done()


pool = concurrent.futures.ThreadPoolExecutor(1)
asyncio.run(main())
pool.shutdown()
