import asyncio


class Pool:
    def __init__(self, size):
        self.free = asyncio.Queue()
        for number in range(size):
            self.free.put_nowait(number)

    async def acquire(self):
        return await self.free.get()  # expect: stuck nobody

    def release(self, connection):
        self.free.put_nowait(connection)


async def query(pool, fails):
    connection = await pool.acquire()
    if fails:
        return  # a way out without release()
    pool.release(connection)


async def main():
    pool = Pool(1)
    await query(pool, fails=True)
    waiting = asyncio.create_task(query(pool, fails=False))
    del pool
    await asyncio.sleep(0.01)
    assert not waiting.done()


asyncio.run(main())
