"""A million tasks and a million timers alive at once, in a process of their own."""

import json

import interpreter
import pytest

MILLION = """
import gc, json, resource, time

count = int(sys.argv[1])

def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

async def wait(event_future):
    await event_future

async def tasks():
    loop = asyncio.get_running_loop()
    gate = loop.create_future()
    before, start = memory(), time.monotonic()
    alive = [loop.create_task(wait(gate)) for _ in range(count)]
    await asyncio.sleep(0)
    held = memory() - before
    listed = len(asyncio.all_tasks())
    gate.set_result(None)
    await asyncio.wait(alive[-1:])
    await asyncio.sleep(0)
    return {
        "bytes": held / count,
        "listed": listed,
        "done": sum(task.done() for task in alive),
        "seconds": time.monotonic() - start,
    }

async def timers():
    loop = asyncio.get_running_loop()
    ran = [0]

    def tick():
        ran[0] += 1

    before, start = memory(), time.monotonic()
    now = loop.time()
    # A third is due soon and out of order, a third far away, a third is cancelled.
    soon = count // 3
    alive = [loop.call_at(now + ((n * 7919) % soon) * 1e-9, tick) for n in range(soon)]
    far = [loop.call_later(1000 + n, tick) for n in range(soon)]
    cancelled = [loop.call_later(2000 + n, tick) for n in range(count - 2 * soon)]
    held = memory() - before
    for handle in cancelled:
        handle.cancel()
    while ran[0] < soon:
        await asyncio.sleep(0.001)
    for handle in far:
        handle.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return {
        "bytes": held / count,
        "ran": ran[0],
        "expected": soon,
        "left": len(loop._scheduled),
        "seconds": time.monotonic() - start,
    }

async def main():
    return {"tasks": await tasks(), "timers": await timers()}

gc.disable()  # a full collection of a million live tasks measures the collector, not the loop
found = library.run(main(), loop_factory=library.new_event_loop)
gc.enable()
gc.collect()
found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(found))
"""


@pytest.mark.timeout(150)
def test_a_million_tasks_and_a_million_timers(library):
    finished = interpreter.run(library.name, MILLION, "1000000", timeout=120)
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert finished.stderr == ""
    found = json.loads(finished.stdout)
    tasks, timers = found["tasks"], found["timers"]
    assert tasks["listed"] == 1_000_001
    assert tasks["done"] == 1_000_000
    assert timers["ran"] == timers["expected"]
    assert timers["left"] < 1000
    assert tasks["seconds"] + timers["seconds"] < 60
    # Bytes for one pending task with its coroutine, its context and its place in the
    # list of the future it waits for; and for one timer with its callback's references.
    assert tasks["bytes"] < 2000
    assert timers["bytes"] < 800


CANCELLED = """
import gc, resource

def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

async def main():
    loop = asyncio.get_running_loop()
    for _ in range(20_000):
        loop.call_later(3600, print).cancel()
    await asyncio.sleep(0)
    gc.collect()
    before = memory()
    for _ in range(10):
        for _ in range(20_000):
            loop.call_later(3600, print).cancel()
        await asyncio.sleep(0)
    gc.collect()
    print(memory() - before)

library.run(main(), loop_factory=library.new_event_loop)
"""


def test_cancelled_timers_take_no_memory(library):
    """Peers keep each until it is due: 30 to 60 MB for two hundred thousand."""
    finished = interpreter.run(library.name, CANCELLED)
    assert finished.returncode == 0, finished.stderr
    assert int(finished.stdout) < 8_000_000


CHAINED = """
async def body(number):
    await asyncio.sleep(0)
    return number

async def main():
    total = 0
    for number in range(100_000):
        total += await asyncio.create_task(body(number))
    print(total)

import resource
library.run(main(), loop_factory=library.new_event_loop)
"""


def test_a_hundred_thousand_tasks_one_after_another(library):
    assert interpreter.run_silently(library.name, CHAINED, timeout=30) == "4999950000\n"


DEEP = """
import resource, threading

async def link(before):
    if before is not None:
        await before

def work():
    loop = library.new_event_loop()

    def scenario(count):
        task = None
        for _ in range(count):
            task = library.Task(link(task), loop=loop)
        return task

    loop.run_until_complete(scenario(100_000))
    # A chain that nobody finishes is freed link by link, not frame by frame on the C stack.
    task = scenario(20_000)
    loop.set_exception_handler(lambda loop, context: None)
    loop.call_soon(loop.stop)
    loop.run_forever()
    future = loop.create_future()
    for _ in range(100_000):
        outer = loop.create_future()
        future.add_done_callback(outer.set_result)
        future = outer
    del future, outer
    loop.close()

threading.stack_size(512 * 1024)
thread = threading.Thread(target=work)
thread.start()
thread.join()
print("survived")
"""


@pytest.mark.timeout(60)
def test_long_chains_on_a_small_stack(library):
    finished = interpreter.run(library.name, DEEP, timeout=50)
    assert (finished.returncode, finished.stdout) == (0, "survived\n"), finished.stderr[-2000:]
