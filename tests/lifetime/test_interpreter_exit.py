"""Interpreter exit with loops in every state: silent, and with the exit code asyncio gives."""

import subprocess

import interpreter
import pytest


def exit_of(library, script, **options):
    finished = interpreter.run(library.name, script, **options)
    return finished.returncode, finished.stdout, finished.stderr


SILENT = {
    "nothing": "",
    "made": "loop = library.new_event_loop()",
    "made and closed": "library.new_event_loop().close()",
    "ran": """
        loop = library.new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))
    """,
    "callbacks pending": """
        loop = library.new_event_loop()
        loop.call_soon(print, "never")
        loop.call_later(1000, print, "never")
        loop.call_soon_threadsafe(print, "never")
    """,
    "set as the event loop": """
        loop = library.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(asyncio.sleep(0))
    """,
    "a module holds it": """
        import types
        sys.modules["holder"] = types.ModuleType("holder")
        sys.modules["holder"].loop = library.new_event_loop()
        sys.modules["holder"].loop.call_later(1000, print)
    """,
    "futures pending": """
        loop = library.new_event_loop()
        futures = [loop.create_future() for _ in range(10)]
        for future in futures:
            future.add_done_callback(print)
    """,
    "run": "library.run(asyncio.sleep(0.001), loop_factory=library.new_event_loop)",
    "threads that are done": """
        async def main():
            await asyncio.get_running_loop().run_in_executor(None, int)
        loop = library.new_event_loop()
        loop.run_until_complete(main())
    """,
    "closed while tasks wait": """
        async def forever():
            await asyncio.get_running_loop().create_future()
        loop = library.new_event_loop()
        task = library.Task(forever(), loop=loop)
        task._log_destroy_pending = False
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    """,
    "at exit": """
        import atexit
        loop = library.new_event_loop()
        atexit.register(lambda: (loop.run_until_complete(asyncio.sleep(0)), loop.close()))
    """,
    "readers": """
        reader, writer = os.pipe()
        loop = library.new_event_loop()
        loop.add_reader(reader, print)
        loop.call_soon(loop.stop)
        loop.run_forever()
    """,
    # Unclosed sockets and files warn, which nobody sees by default.
    "an open connection": """
        import socket, types
        near, far = socket.socketpair()
        loop = library.new_event_loop()
        sys.modules["holder"] = types.ModuleType("holder")
        connecting = loop.create_connection(asyncio.Protocol, sock=near)
        sys.modules["holder"].kept = loop.run_until_complete(connecting), far
        loop.close()
    """,
    "an open datagram endpoint": """
        import builtins
        loop = library.new_event_loop()
        opening = loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
        builtins.kept = loop.run_until_complete(opening)
    """,
    "open pipes": """
        reader, writer = os.pipe()
        loop = library.new_event_loop()
        kept = [
            loop.run_until_complete(loop.connect_read_pipe(asyncio.Protocol, os.fdopen(reader, "rb"))),
            loop.run_until_complete(loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(writer, "wb"))),
        ]
        import types
        sys.modules["holder"] = types.ModuleType("holder")
        sys.modules["holder"].kept = kept
        loop.close()
    """,
    "signal handlers": """
        import signal
        loop = library.new_event_loop()
        loop.add_signal_handler(signal.SIGUSR1, print)
        loop.call_soon(loop.stop)
        loop.run_forever()
    """,
}


@pytest.mark.parametrize("name", SILENT)
def test_exit_is_silent(library, name):
    assert exit_of(library, SILENT[name]) == (0, "", "")


WITH_WORDS = {
    # What asyncio says about a task that the end of the interpreter destroys.
    "a pending task": """
        async def forever():
            await asyncio.get_running_loop().create_future()
        loop = library.new_event_loop()
        task = library.Task(forever(), loop=loop, name="lost")
        loop.run_until_complete(asyncio.sleep(0))
    """,
    "an exception not retrieved": """
        async def fail():
            raise ValueError("forgotten")
        loop = library.new_event_loop()
        task = library.Task(fail(), loop=loop, name="failed")
        loop.run_until_complete(asyncio.sleep(0.001))
    """,
}


@pytest.mark.parametrize("name", WITH_WORDS)
def test_what_is_said_at_exit_is_what_asyncio_says(library, name):
    code, output, errors = exit_of(library, WITH_WORDS[name])
    assert (code, output) == (0, "")
    said = ("Task was destroyed but it is pending!", "Task exception was never retrieved")
    expected = said[0] if name == "a pending task" else said[1]
    # During shutdown the logger may be gone already: then asyncio says nothing either.
    if errors:
        assert errors.startswith(expected), errors
    assert "Fatal" not in errors and "Segmentation" not in errors


EXIT_CODES = {
    "sys.exit in a task": ("async def main():\n    sys.exit(3)", 3),
    "sys.exit in a callback": (
        "async def main():\n    asyncio.get_running_loop().call_soon(sys.exit, 4)\n    await asyncio.sleep(10)",
        4,
    ),
    "an exception": ("async def main():\n    raise ValueError('out')", 1),
    "os._exit while running": ("async def main():\n    os._exit(5)", 5),
}


@pytest.mark.parametrize("name", EXIT_CODES)
def test_exit_codes(library, name):
    body, expected = EXIT_CODES[name]
    script = f"{body}\nlibrary.run(main(), loop_factory=library.new_event_loop)\n"
    code, _, errors = exit_of(library, script)
    assert code == expected
    if name != "an exception":
        assert errors == ""
    else:
        assert errors.endswith("ValueError: out\n")


RUNNING_AT_EXIT = {
    "a daemon thread runs a loop": """
        import threading
        started = threading.Event()

        def work():
            loop = library.new_event_loop()
            loop.call_soon(started.set)
            loop.call_later(1000, print)
            loop.run_forever()

        threading.Thread(target=work, daemon=True).start()
        started.wait()
    """,
    "a daemon thread runs a busy loop": """
        import threading
        started = threading.Event()

        async def main():
            started.set()
            while True:
                await asyncio.sleep(0)

        def work():
            loop = library.new_event_loop()
            loop.run_until_complete(main())

        threading.Thread(target=work, daemon=True).start()
        started.wait()
    """,
    "a daemon thread with a thousand waiting tasks": """
        import threading
        started = threading.Event()

        async def main():
            tasks = [asyncio.create_task(asyncio.sleep(1000)) for _ in range(1000)]
            await asyncio.sleep(0)
            started.set()
            await asyncio.gather(*tasks)

        def work():
            loop = library.new_event_loop()
            loop.run_until_complete(main())

        threading.Thread(target=work, daemon=True).start()
        started.wait()
    """,
    "a daemon thread that calls the loop": """
        import threading
        loop = library.new_event_loop()
        started = threading.Event()

        def work():
            while True:
                loop.call_soon_threadsafe(int)
                started.set()

        threading.Thread(target=work, daemon=True).start()
        started.wait()
        for _ in range(10):
            loop.call_soon(loop.stop)
            loop.run_forever()
    """,
}


@pytest.mark.parametrize("name", RUNNING_AT_EXIT)
@pytest.mark.timeout(60)
def test_exit_while_another_thread_is_in_a_loop(library, name):
    """Daemon threads are frozen at exit wherever they are; that must not crash."""
    for _ in range(4):
        assert exit_of(library, RUNNING_AT_EXIT[name]) == (0, "", "")


@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL"])
def test_a_signal_ends_an_idle_loop(library, number):
    import signal

    script = """
        async def main():
            print("ready", flush=True)
            await asyncio.sleep(60)
        library.run(main(), loop_factory=library.new_event_loop)
    """
    child = interpreter.start(library.name, script)
    assert child.stdout.readline() == "ready\n"
    child.send_signal(getattr(signal, number))
    assert child.wait(5) == -getattr(signal, number)
    child.communicate()


def test_keyboard_interrupt_ends_the_process_as_asyncio_does(library):
    import signal

    script = """
        async def main():
            print("ready", flush=True)
            try:
                await asyncio.sleep(60)
            finally:
                print("cleaned", flush=True)
        library.run(main(), loop_factory=library.new_event_loop)
    """
    child = interpreter.start(library.name, script)
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=5)
    assert child.returncode in (1, -signal.SIGINT, 130)
    assert output == "cleaned\n"
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_a_closed_standard_output(library):
    """The exit of a pipe's reader must not hang the loop."""
    script = """
        async def main():
            for number in range(100000):
                print(number)
                await asyncio.sleep(0)
        try:
            library.run(main(), loop_factory=library.new_event_loop)
        except BrokenPipeError:
            os._exit(7)
    """
    child = interpreter.start(library.name, script)
    child.stdout.readline()
    child.stdout.close()
    try:
        assert child.wait(15) == 7
    except subprocess.TimeoutExpired:
        child.kill()
        raise
    finally:
        child.stderr.close()


def test_many_exits_with_pending_work(library):
    """Exit order differs from run to run by hash and address: a few runs, each silent."""
    script = """
        import gc
        loop = library.new_event_loop()

        class Node:
            pass

        nodes = [Node() for _ in range(100)]
        for node in nodes:
            node.loop, node.future = loop, loop.create_future()
            node.future.add_done_callback(lambda done, node=node: None)
            node.handle = loop.call_later(1000, print, node)
        asyncio.set_event_loop(loop)
        loop.call_soon(loop.stop)
        loop.run_forever()
    """
    for seed in range(3):
        assert exit_of(library, script, environment={"PYTHONHASHSEED": str(seed)}) == (0, "", "")
