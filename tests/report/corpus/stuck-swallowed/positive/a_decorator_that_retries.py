import asyncio
import functools


def retried(function):
    @functools.wraps(function)
    async def wrapper(*args):
        while len(failures) < 2:
            try:
                return await function(*args)
            except BaseException as error:
                failures.append(type(error).__name__)
        return None

    return wrapper


@retried
async def listen():
    await asyncio.Event().wait()  # expect: stuck swallowed


async def main():
    task = asyncio.create_task(listen())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert failures == ["CancelledError"]


failures = []
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
