import asyncio


async def stubborn():
    while True:
        try:
            await asyncio.sleep(60)  # expect: stuck swallowed
        except asyncio.CancelledError:
            pass


async def fails():
    raise ValueError


async def group():
    async with asyncio.TaskGroup() as group:
        group.create_task(stubborn())
        await asyncio.sleep(0)
        group.create_task(fails())


async def main():
    task = asyncio.create_task(group())
    await asyncio.sleep(0.01)
    assert not task.done()


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
