import asyncio
import contextlib


async def step(number):
    with contextlib.suppress(BaseException):
        await asyncio.sleep(60)
    return number


async def steps():
    await step(1)
    await asyncio.get_running_loop().create_future()  # expect: stuck swallowed


async def main():
    task = asyncio.create_task(steps())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
