import asyncio


async def work(n=1):
    await asyncio.sleep(0)
    return n


async def main():
    loop = asyncio.get_running_loop()

    def other():
        return asyncio.run_coroutine_threadsafe(work(4), loop).result(5)

    assert await asyncio.to_thread(other) == 4


asyncio.run(main())
