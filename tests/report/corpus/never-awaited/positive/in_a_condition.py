import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def allowed():
    return False


async def main():
    if allowed():  # expect: never-awaited
        await work()


asyncio.run(main())
