import asyncio


class Peer:
    async def talk(self, other):
        await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.shield(other.task), None)  # expect: stuck cycle


async def main():
    one, other = Peer(), Peer()
    one.task = asyncio.create_task(one.talk(other))
    other.task = asyncio.create_task(other.talk(one))
    del one, other
    await asyncio.sleep(0.01)


asyncio.run(main())
