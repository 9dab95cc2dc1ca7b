import asyncio


async def polite():
    await asyncio.sleep(60)


async def stubborn():
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        pass
    await asyncio.sleep(60)  # expect: stuck swallowed


async def everything():
    await asyncio.gather(polite(), stubborn(), return_exceptions=True)  # expect: stuck swallowed


async def main():
    task = asyncio.create_task(everything())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
