import asyncio


async def ticks():
    while True:
        try:
            await asyncio.sleep(60)  # expect: stuck swallowed
        except asyncio.CancelledError:
            pass
        yield 1


async def counts():
    async for _ in ticks():
        pass


async def main():
    task = asyncio.create_task(counts())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
