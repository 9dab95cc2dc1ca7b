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
    for number in range(3):
        others.append(spawn(waits(others, (number + 1) % 3)))
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in tasks:
    task._log_destroy_pending = False
loop.close()
