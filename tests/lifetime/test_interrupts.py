"""KeyboardInterrupt and SystemExit at any point leave a loop that can be used and closed."""

import asyncio
import os
import signal
import subprocess
import threading
import time

import interpreter
import pytest
from turns import run_ready, run_turns

KINDS = pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
PROMPT = 0.5  # seconds


def still_sound(loop):
    """The loop still does everything a loop does."""

    async def main():
        await asyncio.sleep(0.0001)
        task = loop.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        done = loop.create_future()
        loop.call_soon_threadsafe(done.set_result, "sound")
        assert asyncio.current_task() in asyncio.all_tasks()
        return await done

    assert not loop.is_running()
    assert asyncio.current_task(loop) is None
    assert loop.run_until_complete(main()) == "sound"
    run_ready(loop)


def raiser(kind):
    def fail(*ignored):
        raise kind("raised")

    return fail


@KINDS
@pytest.mark.parametrize("how", ["call_soon", "call_later", "call_soon_threadsafe", "call_at"])
def test_in_a_callback(loop, kind, how):
    arguments = {"call_later": (0,), "call_at": (loop.time(),)}.get(how, ())
    getattr(loop, how)(*arguments, raiser(kind))
    with pytest.raises(kind, match="raised"):
        loop.run_forever()
    still_sound(loop)


@KINDS
def test_in_a_reader(loop, kind):
    reader, writer = os.pipe()
    os.write(writer, b"x")
    loop.add_reader(reader, raiser(kind))
    with pytest.raises(kind):
        loop.run_forever()
    loop.remove_reader(reader)
    os.close(reader)
    os.close(writer)
    still_sound(loop)


@KINDS
def test_in_a_signal_handler(loop, kind):
    loop.add_signal_handler(signal.SIGUSR1, raiser(kind))
    loop.call_soon(os.kill, os.getpid(), signal.SIGUSR1)
    with pytest.raises(kind):
        loop.run_forever()
    loop.remove_signal_handler(signal.SIGUSR1)
    still_sound(loop)


@KINDS
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_in_a_task(loop, library, kind, steps):
    async def body():
        for _ in range(steps):
            await asyncio.sleep(0)
        raise kind("raised")

    task = library.Task(body(), loop=loop)
    with pytest.raises(kind):
        loop.run_until_complete(task)
    assert task.done()
    assert type(task.exception()) is kind
    still_sound(loop)


@KINDS
def test_in_a_task_woken_by_a_future(loop, library, kind):
    future = loop.create_future()

    async def body():
        await future
        raise kind("raised")

    task = library.Task(body(), loop=loop)
    loop.call_soon(future.set_result, None)
    with pytest.raises(kind):
        loop.run_until_complete(task)
    task.exception()
    still_sound(loop)


@KINDS
def test_thrown_out_of_a_future(loop, library, kind):
    """A future may carry an interrupt as its exception; awaiting raises it."""
    future = loop.create_future()

    async def body():
        await future

    task = library.Task(body(), loop=loop)
    loop.call_soon(future.set_exception, kind("raised"))
    with pytest.raises(kind):
        loop.run_until_complete(task)
    task.exception()
    still_sound(loop)


@KINDS
def test_in_a_done_callback(loop, library, kind):
    seen = []
    task = library.Task(asyncio.sleep(0), loop=loop)
    task.add_done_callback(raiser(kind))
    task.add_done_callback(seen.append)
    with pytest.raises(kind):
        loop.run_until_complete(task)
    run_ready(loop)
    assert seen == [task]
    still_sound(loop)


@KINDS
def test_in_the_exception_handler(loop, kind):
    loop.set_exception_handler(lambda loop, context: raiser(kind)())
    loop.call_soon(raiser(ValueError))
    with pytest.raises(kind):
        loop.run_forever()
    loop.set_exception_handler(None)
    still_sound(loop)


@KINDS
def test_in_a_destructor(loop, kind, recwarn):
    """Python itself swallows it there; the loop goes on."""

    class Argument:
        def __del__(self):
            raise kind("in a destructor")

    loop.call_soon(id, Argument())
    import sys

    old, sys.unraisablehook = sys.unraisablehook, lambda unraisable: None
    try:
        run_ready(loop)
    finally:
        sys.unraisablehook = old
    still_sound(loop)


@KINDS
def test_while_a_task_is_cancelled(loop, library, kind):
    async def body():
        try:
            await loop.create_future()
        finally:
            raise kind("raised")

    task = library.Task(body(), loop=loop)
    run_ready(loop)
    task.cancel()
    with pytest.raises(kind):
        loop.run_until_complete(task)
    task.exception()
    still_sound(loop)


@KINDS
def test_what_was_ready_runs_afterwards(loop, kind):
    seen = []
    for number in range(5):
        loop.call_soon(seen.append, number)
    loop.call_soon(raiser(kind))
    for number in range(5, 10):
        loop.call_soon(seen.append, number)
    loop.call_soon(raiser(kind))
    loop.call_soon(seen.append, 10)
    for _ in range(2):
        with pytest.raises(kind):
            loop.run_forever()
    run_ready(loop)
    assert seen == list(range(11))


@KINDS
def test_timers_and_other_tasks_survive(loop, library, kind):
    seen = []

    async def other():
        await asyncio.sleep(0.005)
        seen.append("other")

    task = library.Task(other(), loop=loop)
    loop.call_later(0.004, seen.append, "timer")
    loop.call_soon(raiser(kind))
    with pytest.raises(kind):
        loop.run_forever()
    loop.run_until_complete(task)
    assert seen == ["timer", "other"]
    still_sound(loop)


@KINDS
def test_many_in_a_row(loop, kind):
    for _ in range(50):
        loop.call_soon(raiser(kind))
        with pytest.raises(kind):
            loop.run_forever()
    still_sound(loop)


@KINDS
def test_out_of_run(library, kind):
    cleaned = []

    async def other():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append("other")

    async def main():
        asyncio.get_running_loop().create_task(other())
        await asyncio.sleep(0)
        raise kind("raised")

    with pytest.raises(kind):
        library.run(main(), loop_factory=library.new_event_loop)
    assert cleaned == ["other"]


@pytest.mark.parametrize("state", ["idle", "timer", "reader", "task"])
def test_a_real_interrupt_on_an_idle_loop(loop, library, state):
    reader, writer = os.pipe()
    far = loop.call_later(15, loop.stop) if state == "timer" else None
    task = library.Task(asyncio.sleep(15), loop=loop) if state == "task" else None
    if state == "reader":
        loop.add_reader(reader, int)
    rescue = threading.Timer(8, loop.call_soon_threadsafe, (loop.stop,))
    rescue.start()
    sender = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    start = time.monotonic()
    sender.start()
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    assert time.monotonic() - start < 0.05 + PROMPT
    rescue.cancel()
    rescue.join()
    sender.join()
    loop.remove_reader(reader)
    os.close(reader)
    os.close(writer)
    if far:
        far.cancel()
    if task:
        task.cancel()
        run_turns(loop, 3)
    still_sound(loop)


@pytest.mark.parametrize("work", ["callbacks", "tasks", "timers", "python"])
def test_a_real_interrupt_on_a_busy_loop(loop, library, work):
    deadline = time.monotonic() + 8
    if work == "callbacks":

        def again():
            if time.monotonic() < deadline:
                loop.call_soon(again)

        loop.call_soon(again)
    elif work == "timers":

        def later():
            if time.monotonic() < deadline:
                loop.call_later(0, later)

        loop.call_soon(later)
    elif work == "python":

        def spin():
            while time.monotonic() < deadline:
                pass

        loop.call_soon(spin)
    else:

        async def yielding():
            while time.monotonic() < deadline:
                await asyncio.sleep(0)

        task = library.Task(yielding(), loop=loop)
    loop.call_later(9, loop.stop)
    sender = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    start = time.monotonic()
    sender.start()
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    assert time.monotonic() - start < 0.05 + PROMPT
    sender.join()
    deadline = 0
    if work == "tasks":
        task.cancel()
        run_turns(loop, 3)
        if not task.cancelled():
            task.exception()
    still_sound(loop)


TORTURE = """
import random, signal, time

random.seed(int(sys.argv[1]))
interrupts = 0

async def worker(number, queue):
    while True:
        try:
            async with asyncio.timeout(0.001):
                await queue.get()
                await asyncio.sleep(0)
        except TimeoutError:
            pass

async def main():
    queue = asyncio.Queue()
    workers = [asyncio.create_task(worker(number, queue)) for number in range(10)]
    while True:
        queue.put_nowait(1)
        await asyncio.sleep(0)
        for task in workers:
            if task.done():
                raise RuntimeError(f"a worker ended: {task!r}")

def turns(count):
    global interrupts
    for _ in range(count):
        try:
            loop.call_soon(loop.stop)
            loop.run_forever()
        except KeyboardInterrupt:
            interrupts += 1

loop = library.new_event_loop()
loop.set_exception_handler(lambda loop, context: None)
sys.unraisablehook = lambda unraisable: None
signal.signal(signal.SIGALRM, signal.default_int_handler)
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    task = loop.create_task(main())
    try:
        # Again and again: one that arrives in a destructor is swallowed by the interpreter.
        signal.setitimer(signal.ITIMER_REAL, random.random() * 0.003 + 0.0001, 0.005)
        loop.run_until_complete(task)
    except KeyboardInterrupt:
        interrupts += 1
    except RuntimeError as error:
        if "a worker ended" not in str(error):
            raise
    try:
        signal.setitimer(signal.ITIMER_REAL, 0)
        time.sleep(0)
    except KeyboardInterrupt:
        interrupts += 1
    # An interrupt inside a queue or a timeout, which are Python, may leave a task that
    # nothing wakes any more; the loop itself must be as it was.
    assert not loop.is_running()
    assert asyncio.current_task(loop) is None
    for each in asyncio.all_tasks(loop):
        each.cancel()
    turns(5)
    for each in asyncio.all_tasks(loop):
        each._log_destroy_pending = False
assert loop.run_until_complete(asyncio.sleep(0.001, "sound")) == "sound"
loop.close()
print(interrupts)
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("library", ["tepal"], indirect=True)
def test_interrupts_at_random_moments(library, seed):
    """A timer signal raises KeyboardInterrupt wherever the interpreter looks for signals.

    asyncio's own ``run_forever`` is Python: an interrupt in its first or last lines
    leaves a loop that says it is running.
    """
    finished = interpreter.run(library.name, TORTURE, str(seed), "2", timeout=40)
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert int(finished.stdout) > 20


def test_the_process_of_a_server_ends_at_once(library):
    """``asyncio.run`` of a program that only waits, and a SIGINT from outside."""
    script = """
        async def main():
            print("ready", flush=True)
            await asyncio.get_running_loop().create_future()
        library.run(main(), loop_factory=library.new_event_loop)
    """
    child = interpreter.start(library.name, script)
    assert child.stdout.readline() == "ready\n"
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    try:
        child.wait(8)
    except subprocess.TimeoutExpired:
        child.kill()
        raise
    finally:
        child.communicate()
    assert time.monotonic() - start < 2
