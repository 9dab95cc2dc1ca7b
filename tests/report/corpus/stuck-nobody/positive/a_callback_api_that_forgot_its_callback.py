import asyncio


def fetch(url, on_done):
    """An API with callbacks, which forgets to call this one: the connection was refused."""
    if url.startswith("https:"):
        on_done(url)


async def fetched(url):
    future = asyncio.get_running_loop().create_future()
    fetch(url, future.set_result)
    return await future  # expect: stuck nobody


async def main():
    assert await fetched("https://a") == "https://a"
    task = asyncio.create_task(fetched("http://a"))
    await asyncio.sleep(0.01)
    assert not task.done()


asyncio.run(main())
