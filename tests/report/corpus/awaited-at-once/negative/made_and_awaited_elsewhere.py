import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


def start():
    return asyncio.create_task(work(1))


async def main():
    await start()


asyncio.run(main())
