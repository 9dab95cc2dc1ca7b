import asyncio

q = asyncio.JoinableQueue(maxsize=2)
done = []


def worker():
    while True:
        item = yield from q.get()
        yield from asyncio.sleep(0)
        done.append(item)
        q.task_done()


@asyncio.coroutine
def main():
    workers = [asyncio.Task(worker()) for _ in range(3)]
    for item in range(7):
        yield from q.put(item)
    yield from q.join()
    print(sorted(done))
    for each in workers:
        each.cancel()
    result = yield from asyncio.gather(*workers, return_exceptions=True)
    print([type(r).__name__ for r in result])
    p = asyncio.PriorityQueue()
    l = asyncio.LifoQueue()
    for item in (2, 3, 1):
        p.put_nowait(item)
        l.put_nowait(item)
    print([p.get_nowait() for _ in range(3)], [(yield_, l.qsize())[0] for yield_ in [l.get_nowait()]])


asyncio.get_event_loop().run_until_complete(main())
