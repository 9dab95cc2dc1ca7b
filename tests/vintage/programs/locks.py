import asyncio

lock = asyncio.Lock()
log = []


@asyncio.coroutine
def careful(name):
    with (yield from lock):
        log.append(name + " in")
        yield from asyncio.sleep(0)
        log.append(name + " out")


@asyncio.coroutine
def by_hand(name):
    yield from lock
    try:
        log.append(name)
    finally:
        lock.release()


@asyncio.coroutine
def waits(event, condition):
    yield from event.wait()
    with (yield from condition):
        condition.notify_all()
    return "event and condition"


@asyncio.coroutine
def main(loop):
    yield from asyncio.wait([asyncio.async(careful("a")), asyncio.async(careful("b")), asyncio.async(by_hand("c"))])
    print(log, lock.locked())

    event = asyncio.Event(loop=loop)
    condition = asyncio.Condition(loop=loop)
    task = asyncio.Task(waits(event, condition), loop=loop)
    with (yield from condition):
        event.set()
        yield from condition.wait()
    print((yield from task))

    semaphore = asyncio.Semaphore(2, loop=loop)
    with (yield from semaphore):
        with (yield from semaphore):
            print("locked:", semaphore.locked())
    print("locked:", semaphore.locked())
    bounded = asyncio.BoundedSemaphore(loop=loop)
    try:
        bounded.release()
    except ValueError as error:
        print("ValueError")
    try:
        with lock:
            pass
    except RuntimeError as error:
        print(error)


loop = asyncio.get_event_loop()
loop.run_until_complete(main(loop))
loop.close()
