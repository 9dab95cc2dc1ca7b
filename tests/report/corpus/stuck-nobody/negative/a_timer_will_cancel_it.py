import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


class Deadline:
    def __init__(self, task):
        self.guarded = [task]

    def passed(self):
        for task in self.guarded:
            task.cancel()


async def waits():
    await asyncio.get_running_loop().create_future()


async def main():
    asyncio.get_running_loop().call_later(60, Deadline(spawn(waits())).passed)
    asyncio.get_running_loop().call_later(60, spawn(waits()).cancel)
    closed_over = spawn(waits())
    asyncio.get_running_loop().call_later(60, lambda: closed_over.cancel())
    await asyncio.sleep(0.01)


asyncio.run(main())
