import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def fails():
    raise ValueError


async def main():
    try:
        await asyncio.create_task(fails())  # expect: awaited-at-once
    except ValueError:
        pass


asyncio.run(main())
