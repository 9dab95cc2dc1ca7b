import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


async def waits(others, number):
    await asyncio.sleep(0)
    await others[number]  # expect: stuck cycle


async def main():
    others = []
    others.append(spawn(waits(others, 1)))
    others.append(spawn(waits(others, 0)))
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in tasks:
    task._log_destroy_pending = False
loop.close()
