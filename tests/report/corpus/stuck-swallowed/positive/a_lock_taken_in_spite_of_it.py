import asyncio


async def stubborn(lock):
    while True:
        try:
            await lock.acquire()  # expect: stuck swallowed
        except asyncio.CancelledError:
            continue
        return


async def main():
    await lock.acquire()
    task = asyncio.create_task(stubborn(lock))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


lock = asyncio.Lock()
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
