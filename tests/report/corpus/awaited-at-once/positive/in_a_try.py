import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    try:
        await asyncio.create_task(work())  # expect: awaited-at-once
    except ValueError:
        raise


asyncio.run(main())
