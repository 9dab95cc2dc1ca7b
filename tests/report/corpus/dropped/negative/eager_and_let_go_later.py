import asyncio

import tepal


async def child(event):
    await event.wait()


class Connection:
    def made(self, event):
        self.handler = asyncio.get_running_loop().create_task(child(event))

    def lost(self, event):
        event.set()
        self.handler = None


async def main():
    asyncio.get_running_loop().set_task_factory(tepal.eager_task_factory)
    event = asyncio.Event()
    connection = Connection()
    connection.made(event)
    await asyncio.sleep(0)
    connection.lost(event)
    await asyncio.sleep(0.01)


asyncio.run(main())
