import asyncio


async def work():
    await asyncio.sleep(60)


async def parent():
    child = asyncio.create_task(work(), name="child")
    try:
        await child
    except asyncio.CancelledError:
        print("the child was cancelled")  # so was the parent
    await asyncio.sleep(60)  # expect: stuck swallowed


async def main():
    task = asyncio.create_task(parent())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
