import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    tasks = [asyncio.create_task(work(number)) for number in range(3)]  # expect: dropped
    tasks.clear()
    await asyncio.sleep(0.01)


asyncio.run(main())
