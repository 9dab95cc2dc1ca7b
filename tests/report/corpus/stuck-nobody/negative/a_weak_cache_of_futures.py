import asyncio
import weakref


class Cache:
    """Whoever asks first loads, the others wait for it."""

    def __init__(self):
        self.loading = weakref.WeakValueDictionary()

    async def get(self, key):
        if key in self.loading:
            return await self.loading[key]
        self.loading[key] = future = asyncio.get_running_loop().create_future()
        await asyncio.sleep(60)
        future.set_result(key)
        return key


async def main():
    cache = Cache()
    tasks = [asyncio.create_task(cache.get("a")) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
