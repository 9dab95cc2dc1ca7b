import asyncio


async def poll(seen):
    while len(seen) < 2:
        try:
            await asyncio.sleep(30)  # expect: stuck swallowed
        except:  # noqa: E722
            seen.append("failed")


async def main():
    task = asyncio.create_task(poll([]))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
