import asyncio


async def child(parent):
    await parent  # expect: stuck cycle


async def parent():
    async with asyncio.TaskGroup() as group:  # expect: stuck cycle
        group.create_task(child(asyncio.current_task()))


async def main():
    task = asyncio.create_task(parent())
    await asyncio.sleep(0.01)
    assert not task.done()


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
