import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits(others):
    await asyncio.sleep(0)
    await asyncio.gather(*others)  # expect: stuck cycle


async def main():
    first, second = [], []
    first.append(spawn(waits(second)))
    second.append(spawn(waits(first)))
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in tasks:
    task._log_destroy_pending = False
loop.close()
