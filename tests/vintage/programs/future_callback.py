import asyncio


@asyncio.coroutine
def slow_operation(future):
    yield from asyncio.sleep(0.05)
    future.set_result("Future is done!")


def got_result(future):
    print(future.result())
    loop.stop()


loop = asyncio.get_event_loop()
future = asyncio.Future(loop=loop)
asyncio.async(slow_operation(future), loop=loop)
future.add_done_callback(got_result)
try:
    loop.run_forever()
finally:
    loop.close()
