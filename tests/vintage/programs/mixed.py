import asyncio


@asyncio.coroutine
def old(n):
    yield from asyncio.sleep(0)
    return n + (yield from middle(n))


async def middle(n):
    lock = asyncio.Lock()
    async with lock:
        pass
    queue = asyncio.Queue()
    await queue.put(n)
    await asyncio.wait_for(asyncio.sleep(0), 5)
    return await queue.get() + await new(n)


@asyncio.coroutine
def innermost(n):
    return n


async def new(n):
    task = asyncio.ensure_future(innermost(n))
    await asyncio.wait([task, innermost(0)])
    return await task + await innermost(n)


@asyncio.coroutine
async def decorated(n):
    return await old(n)


loop = asyncio.get_event_loop()
print(loop.run_until_complete(decorated(10)), loop.run_until_complete(old(1)), loop.run_until_complete(new(1)))
loop.close()
print(asyncio.run(decorated(1)), asyncio.run(old(2)))
