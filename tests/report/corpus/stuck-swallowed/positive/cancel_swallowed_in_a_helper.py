import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def patiently(queue):
    try:
        return await queue.get()
    except asyncio.CancelledError:
        return None


async def stubborn(queue):
    while await patiently(queue) is None:
        await asyncio.sleep(60)  # expect: stuck swallowed


async def main():
    task = spawn(stubborn(asyncio.Queue()))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in tasks:
    task._log_destroy_pending = False
loop.close()
