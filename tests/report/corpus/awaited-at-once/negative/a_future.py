import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, 1)
    assert await future == 1


asyncio.run(main())
