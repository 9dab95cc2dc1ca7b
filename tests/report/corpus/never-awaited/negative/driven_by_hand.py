import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def quick():
    return 1


async def main():
    try:
        quick().send(None)
    except StopIteration as ended:
        assert ended.value == 1


asyncio.run(main())
