import asyncio


async def fetch(number):
    await asyncio.sleep(60)  # expect: stuck swallowed
    return number


async def worker():
    for attempt in range(3):
        try:
            return await fetch(attempt)
        except (OSError, asyncio.CancelledError):
            print("again")
    return None


async def main():
    task = asyncio.create_task(worker())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
