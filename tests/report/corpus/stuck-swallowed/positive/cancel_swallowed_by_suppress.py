import asyncio
import contextlib

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def stubborn():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)  # expect: stuck swallowed


async def main():
    task = spawn(stubborn())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in tasks:
    task._log_destroy_pending = False
loop.close()
