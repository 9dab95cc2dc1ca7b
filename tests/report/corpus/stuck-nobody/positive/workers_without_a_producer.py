import asyncio


async def worker(queue, done):
    while True:
        done.append(await queue.get())  # expect: stuck nobody
        queue.task_done()


async def main():
    done = []
    queue = asyncio.Queue()
    workers = [asyncio.create_task(worker(queue, done)) for _ in range(3)]
    for number in range(5):
        queue.put_nowait(number)
    await queue.join()
    del queue
    await asyncio.sleep(0.01)
    assert len(done) == 5
    assert not any(each.done() for each in workers)


asyncio.run(main())
