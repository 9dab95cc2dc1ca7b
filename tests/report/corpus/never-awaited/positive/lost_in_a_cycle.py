import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


class Holder:
    pass


async def main():
    holder = Holder()
    holder.itself = holder
    holder.coroutine = work()  # expect: never-awaited
    await asyncio.sleep(0)


asyncio.run(main())
