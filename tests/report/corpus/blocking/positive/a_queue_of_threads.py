import asyncio
import queue
import threading


async def main():
    items = queue.Queue()
    threading.Timer(0.3, items.put, [1]).start()
    assert items.get() == 1  # expect: blocking


asyncio.run(main())
