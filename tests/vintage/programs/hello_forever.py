import asyncio


@asyncio.coroutine
def greet_every(seconds, times):
    for _ in range(times):
        print("Hello World")
        yield from asyncio.sleep(seconds)
    asyncio.get_event_loop().stop()


loop = asyncio.get_event_loop()
asyncio.Task(greet_every(0.02, 3))
try:
    loop.run_forever()
finally:
    loop.close()
