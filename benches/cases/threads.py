"""Work that crosses threads: ``call_soon_threadsafe`` and ``run_in_executor``.

`call_soon_threadsafe` is the case with the widest spread among loops, because
stock asyncio writes one byte to a socket per call while others wake the loop only
if it sleeps. The figure therefore depends on who calls and on how many cores the
two threads may use, and each of the combinations has a name of its own here.
"""

import asyncio
import itertools
import threading

from cases.case import CaseGroup

GROUP = CaseGroup("threads")

BURST = 10_000


async def burst_from_thread(repeats: int) -> int:
    """Another thread makes bursts of 10,000 calls; the loop waits for each burst."""
    loop = asyncio.get_running_loop()
    counter = itertools.count()
    callback = counter.__next__

    def burst(finished: "asyncio.Future[None]") -> None:
        for _ in range(BURST):
            loop.call_soon_threadsafe(callback)
        loop.call_soon_threadsafe(finished.set_result, None)

    for _ in range(repeats):
        finished = loop.create_future()
        thread = threading.Thread(target=burst, args=(finished,))
        thread.start()
        await finished
        thread.join()
    return next(counter)


@GROUP.case(
    "threadsafe_two_cores",
    "call_soon_threadsafe, another thread",
    operations=BURST,
    cores="all",
)
async def threadsafe_two_cores(repeats: int) -> int:
    """The headline case: the calling thread and the loop may run side by side."""
    return await burst_from_thread(repeats)


@GROUP.case(
    "threadsafe_one_core",
    "call_soon_threadsafe, another thread, one core",
    operations=BURST,
)
async def threadsafe_one_core(repeats: int) -> int:
    return await burst_from_thread(repeats)


@GROUP.case(
    "threadsafe_own_thread",
    "call_soon_threadsafe, own thread",
    operations=BURST,
)
async def threadsafe_own_thread(repeats: int) -> int:
    loop = asyncio.get_running_loop()
    counter = itertools.count()
    callback = counter.__next__
    for _ in range(repeats):
        for _ in range(BURST):
            loop.call_soon_threadsafe(callback)
        finished = loop.create_future()
        loop.call_soon_threadsafe(finished.set_result, None)
        await finished
    return next(counter)


@GROUP.case("threadsafe_wakeup", "call_soon_threadsafe, wakeups one by one")
async def threadsafe_wakeup(repeats: int) -> int:
    """A sleeping loop is woken once per operation, as by a thread that delivers results."""
    loop = asyncio.get_running_loop()
    wanted = threading.Semaphore(0)
    finished = loop.create_future()
    count = 0

    def delivered() -> None:
        nonlocal count
        count += 1
        if count < repeats:
            wanted.release()
        else:
            finished.set_result(None)

    def deliver() -> None:
        for _ in range(repeats):
            wanted.acquire()
            loop.call_soon_threadsafe(delivered)

    thread = threading.Thread(target=deliver)
    thread.start()
    wanted.release()
    await finished
    thread.join()
    return count


@GROUP.case("run_in_executor", "run_in_executor")
async def run_in_executor(repeats: int) -> int:
    """One call at a time on the default executor."""
    loop = asyncio.get_running_loop()
    main_thread = threading.get_ident()
    elsewhere = 0
    for _ in range(repeats):
        elsewhere += await loop.run_in_executor(None, threading.get_ident) != main_thread
    return elsewhere
