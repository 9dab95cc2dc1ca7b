import asyncio

calls = 0


@asyncio.coroutine
def coro():
    global calls
    calls += 1
    yield


@asyncio.coroutine
def main():
    for i in range(10000):
        yield from asyncio.async(coro())
    print("%d calls" % calls)


loop = asyncio.get_event_loop()
loop.run_until_complete(main())
loop.close()
