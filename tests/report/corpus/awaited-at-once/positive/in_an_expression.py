import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    print(1 + await asyncio.create_task(work(1)), end="")  # expect: awaited-at-once


asyncio.run(main())
