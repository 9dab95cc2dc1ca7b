import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def stubborn():
    for _ in range(3):
        try:
            await asyncio.sleep(60)  # expect: stuck swallowed
        except BaseException:
            continue


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
