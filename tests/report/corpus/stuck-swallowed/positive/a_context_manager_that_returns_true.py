import asyncio


class Quietly:
    """Reports errors and goes on."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        return True


async def serve():
    async with Quietly():
        await asyncio.sleep(60)
    await asyncio.sleep(60)  # expect: stuck swallowed


async def main():
    task = asyncio.create_task(serve())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
