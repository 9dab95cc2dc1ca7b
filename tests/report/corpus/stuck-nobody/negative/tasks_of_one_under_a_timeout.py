"""A timer cancels one Task, and with it those that it awaits."""

import asyncio

kept = set()


async def child():
    await asyncio.get_running_loop().create_future()


async def in_a_gather():
    async with asyncio.timeout(60):
        await asyncio.gather(child(), child())


async def in_a_group():
    async with asyncio.timeout(60):
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            group.create_task(in_another_group())


async def in_another_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(child())
        await child()


async def as_a_task():
    async with asyncio.timeout(60):
        task = asyncio.create_task(child(), name="a child")
        await task


async def by_wait_for():
    await asyncio.wait_for(child(), 60)


async def by_wait_for_of_a_gather():
    await asyncio.wait_for(asyncio.gather(child(), asyncio.gather(child())), 60)


async def main():
    for each in (in_a_gather, in_a_group, as_a_task, by_wait_for, by_wait_for_of_a_gather):
        kept.add(asyncio.create_task(each()))
    kept.add(asyncio.create_task(asyncio.wait_for(asyncio.Event().wait(), 60)))
    await asyncio.sleep(0.01)
    for task in kept:
        task.cancel()
    await asyncio.wait(kept)


loop = asyncio.new_event_loop()
made = loop.create_task(main())
loop.call_later(0.005, loop.stop)
loop.run_forever()
loop.run_until_complete(made)
loop.close()
