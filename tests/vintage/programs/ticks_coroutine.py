import asyncio


@asyncio.coroutine
def ticks(loop):
    end_time = loop.time() + 0.04
    for _ in range(2):
        print("tick")
        yield from asyncio.sleep(0.02, loop=loop)
    print(loop.time() >= end_time)


loop = asyncio.get_event_loop()
loop.run_until_complete(ticks(loop))
loop.close()
