import asyncio


class Consumer:
    def __init__(self):
        self.queue = asyncio.Queue()
        self.interruptions = 0

    async def run(self):
        while True:
            try:
                item = await self.queue.get()  # expect: stuck swallowed
                print(item)
            except asyncio.CancelledError:
                self.interruptions += 1


async def main():
    consumers.append(Consumer())
    task = asyncio.create_task(consumers[0].run())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert consumers[0].interruptions == 1


consumers = []
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
