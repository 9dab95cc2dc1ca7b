# Tasks that are awaited at once, and Tasks that nobody keeps, however they were made in 2014.
import asyncio
from asyncio import Task
from asyncio.tasks import Task as TaskOfTasks

@asyncio.coroutine
def coro():
    yield from asyncio.sleep(0)


@asyncio.coroutine
def main():
    loop = asyncio.get_event_loop()
    for _ in range(3):
        yield from Task(coro())
        yield from asyncio.Task(coro(), loop=loop)
        yield from TaskOfTasks(coro())
        yield from asyncio.async(coro(), loop=loop)
        yield from (asyncio.
                    ensure_future(coro()))
        yield from loop.create_task(coro())
    asyncio.Task(coro())
    loop.create_task(coro())
    kept = Task(coro())
    yield from asyncio.sleep(0.01)
    yield from kept
    print("done")


asyncio.get_event_loop().run_until_complete(main())
