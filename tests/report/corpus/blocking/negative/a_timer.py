import asyncio


async def main():
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.3, future.set_result, 1)
    await future


asyncio.run(main())
