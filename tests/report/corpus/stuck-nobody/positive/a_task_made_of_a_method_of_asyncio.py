"""The Task has no line of the program: the one that made it is named."""

import asyncio


async def main():
    queue = asyncio.Queue()
    getter = asyncio.create_task(queue.get())  # expect: stuck nobody
    opened = asyncio.create_task(  # expect: stuck nobody
        asyncio.wait_for(asyncio.Event().wait(), None),
    )
    del queue
    await asyncio.sleep(0.01)
    return getter, opened


asyncio.run(main())
