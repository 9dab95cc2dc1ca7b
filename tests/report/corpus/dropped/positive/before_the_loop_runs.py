import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    await asyncio.sleep(0.01)


loop = asyncio.new_event_loop()
loop.create_task(work())  # expect: dropped
loop.run_until_complete(main())
loop.close()
