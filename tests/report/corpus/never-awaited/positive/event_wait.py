import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    event = asyncio.Event()
    event.wait()  # expect: never-awaited
    await asyncio.sleep(0)


asyncio.run(main())
