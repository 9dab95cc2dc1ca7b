import asyncio
import concurrent.futures
import threading


def blocking(x):
    return x * 2, threading.current_thread() is threading.main_thread()


@asyncio.coroutine
def main(loop):
    print((yield from loop.run_in_executor(None, blocking, 21)))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        print((yield from loop.run_in_executor(pool, blocking, 1)))
        print((yield from asyncio.wrap_future(pool.submit(blocking, 2), loop=loop)))
        print((yield from loop.run_in_executor(pool, from_a_thread, loop)))


@asyncio.coroutine
def three():
    yield from asyncio.sleep(0)
    return 3


def from_a_thread(loop):
    try:
        asyncio.get_event_loop()
    except RuntimeError as error:
        print("no loop here:", "no current event loop" in str(error))
    return asyncio.run_coroutine_threadsafe(three(), loop).result(5)


loop = asyncio.get_event_loop()
loop.run_until_complete(main(loop))
loop.close()
