import asyncio
import threading
import time

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


def completes(loop, future):
    time.sleep(0.2)
    try:
        loop.call_soon_threadsafe(future.cancel)
    except RuntimeError:
        pass


async def waits(future):
    await future


async def main():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    threading.Thread(target=completes, args=(loop, future)).start()
    spawn(waits(future))
    await asyncio.sleep(0.01)


asyncio.run(main())
