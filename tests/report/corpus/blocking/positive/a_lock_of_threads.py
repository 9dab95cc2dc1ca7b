import asyncio
import threading


async def main():
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(0.3, lock.release).start()
    lock.acquire()  # expect: blocking


asyncio.run(main())
