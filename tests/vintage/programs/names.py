"""async and await as names, next to async and await as keywords."""
from __future__ import print_function
import asyncio
from asyncio import async
from asyncio import async as spawn, coroutine


class Queue:
    async = "a class attribute"

    def await(self, async=False, *, await=1):
        return async, await

    def async(self):
        return self.async


def async_keyword(**options):
    return sorted(options.items())


await = 5


@asyncio.coroutine
def old():
    result = yield from asyncio.async(asyncio.sleep(0, result=1))
    return result + (yield from async(asyncio.sleep(0, 2))) + (yield from spawn(asyncio.sleep(0, 3)))


async def new(): return await old()


async def newer():
    def inner():
        return "within"
    async with Context() as value:
        return [await old(), value, inner()]


class Context(object):
    async def __aenter__(self):
        return "entered"

    async def __aexit__(self, *args):
        await asyncio.sleep(0)


print(Queue().await(async=True), Queue().await(1, await=2), await, [async for async in range(3)])
print(async_keyword(async=1, await=2), getattr(asyncio, "async") is asyncio.ensure_future is async)
loop = asyncio.get_event_loop()
for await in (new, newer, old): print(loop.run_until_complete(await()))
for async in "xy":
    print(async, end=" async \n")
