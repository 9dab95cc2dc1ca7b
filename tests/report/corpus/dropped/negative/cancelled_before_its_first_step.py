import asyncio


async def child():
    await asyncio.sleep(60)


class Connection:
    def made(self):
        self.keeper = asyncio.create_task(child())

    def lost(self):
        self.keeper.cancel()
        self.keeper = None


async def main():
    connection = Connection()
    connection.made()
    connection.lost()
    await asyncio.sleep(0.01)


asyncio.run(main())
