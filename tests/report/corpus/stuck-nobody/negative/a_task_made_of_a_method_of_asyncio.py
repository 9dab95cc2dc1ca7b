"""Tasks without a line of the program that somebody can end."""

import asyncio

opened = asyncio.Event()


def answer(reader, writer):
    writer.close()


async def main():
    queue = asyncio.Queue()
    getter = asyncio.create_task(queue.get())
    waiter = asyncio.create_task(opened.wait())
    limited = asyncio.create_task(asyncio.wait_for(asyncio.Event().wait(), 60))
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    serving = asyncio.create_task(server.serve_forever())
    asyncio.get_running_loop().call_later(60, queue.put_nowait, 1)
    del queue, server
    await asyncio.sleep(0.01)
    return getter, waiter, limited, serving


asyncio.run(main())
