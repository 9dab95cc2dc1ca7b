import asyncio
import concurrent.futures


@asyncio.coroutine
def catches(kind):
    try:
        yield from asyncio.sleep(30)
    except kind as error:
        return type(error).__name__


@asyncio.coroutine
def catches_one_of_two():
    try:
        yield from asyncio.sleep(30)
    except (KeyError, concurrent.futures.CancelledError):
        return "one of two"


@asyncio.coroutine
def catches_exception():
    try:
        yield from asyncio.sleep(30)
    except OSError:
        return "not this one"
    except Exception as error:
        return "an Exception"


@asyncio.coroutine
def main():
    tasks = [
        asyncio.Task(catches(asyncio.CancelledError)),
        asyncio.Task(catches(asyncio.futures.CancelledError)),
        asyncio.Task(catches(concurrent.futures.CancelledError)),
        asyncio.Task(catches_one_of_two()),
        asyncio.Task(catches_exception()),
        asyncio.Task(catches(KeyError)),
    ]
    yield from asyncio.sleep(0)
    print(len(asyncio.Task.all_tasks()), asyncio.Task.current_task() in asyncio.Task.all_tasks())
    for task in tasks:
        task.cancel()
    for task in tasks:
        try:
            print((yield from task))
        except asyncio.CancelledError:
            print("cancelled", task.cancelled())


loop = asyncio.get_event_loop()
loop.run_until_complete(main())
print(asyncio.Task.current_task(), asyncio.Task.all_tasks())
loop.close()
