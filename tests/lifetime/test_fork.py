"""``os.fork`` with a running loop: parent and child stay sound, as with asyncio."""

import interpreter
import pytest

CHILD_WORLD = """
    import signal, traceback, warnings
    warnings.simplefilter("ignore", DeprecationWarning)

    def in_child(function):
        '''Fork, run function in the child, return its exit code.'''
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                signal.alarm(10)
                function()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def run(library, script):
    import textwrap

    return interpreter.run_silently(library.name, textwrap.dedent(CHILD_WORLD) + textwrap.dedent(script))


def test_the_child_has_no_running_loop(library):
    output = run(
        library,
        """
        def child():
            try:
                asyncio.get_running_loop()
            except RuntimeError as error:
                print(error)

        async def main():
            print(in_child(child))
            await asyncio.sleep(0.001)
            print(asyncio.get_running_loop() is loop)

        loop = library.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
        """,
    )
    assert output == "no running event loop\n0\nTrue\n"


def test_the_child_runs_a_loop_of_its_own(library):
    output = run(
        library,
        """
        async def nested():
            await asyncio.sleep(0.001)
            await asyncio.get_running_loop().run_in_executor(None, int)
            print("child ran", await asyncio.gather(*(asyncio.sleep(0, n) for n in range(3))))

        def child():
            library.run(nested(), loop_factory=library.new_event_loop)

        async def main():
            print(in_child(child))
            await asyncio.sleep(0.001)
            print("parent ran")

        library.run(main(), loop_factory=library.new_event_loop)
        """,
    )
    assert output == "child ran [0, 1, 2]\n0\nparent ran\n"


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
def test_what_the_child_does_leaves_the_parents_descriptors_registered(library):
    """Both share one epoll; asyncio's child takes the parent's registration away, tepal's must not."""
    output = run(
        library,
        """
        reader, writer = os.pipe()
        loop = library.new_event_loop()

        def child():
            # The child holds copies of the parent's descriptors; it drops the loop.
            global loop
            loop.remove_reader(reader)
            os.close(reader)
            import gc
            del loop
            gc.collect()

        async def main():
            arrived = asyncio.Event()
            loop.add_reader(reader, arrived.set)
            await asyncio.sleep(0)
            print(in_child(child))
            os.write(writer, b"x")
            await asyncio.wait_for(arrived.wait(), 5)
            print("still registered")
            loop.remove_reader(reader)

        loop.run_until_complete(main())
        loop.close()
        """,
    )
    assert output == "0\nstill registered\n"


def test_the_parent_is_woken_by_its_own_threads_only(library):
    """The child shares the waker's descriptor: its calls must not disturb the parent."""
    output = run(
        library,
        """
        import threading
        loop = library.new_event_loop()

        def child():
            for _ in range(100):
                loop.call_soon_threadsafe(print, "never in the child")

        async def main():
            print(in_child(child))
            done = loop.create_future()
            threading.Timer(0.01, loop.call_soon_threadsafe, (done.set_result, 1)).start()
            print(await asyncio.wait_for(done, 5))

        loop.run_until_complete(main())
        loop.close()
        """,
    )
    assert output == "0\n1\n"


def test_a_loop_made_before_the_fork_can_be_used_by_the_parent_alone(library):
    output = run(
        library,
        """
        loop = library.new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))

        def child():
            other = library.new_event_loop()
            print("child", other.run_until_complete(asyncio.sleep(0.001, "ran")))
            other.close()

        print(in_child(child))
        print("parent", loop.run_until_complete(asyncio.sleep(0.001, "ran")))
        loop.close()
        """,
    )
    assert output == "child ran\n0\nparent ran\n"


def test_an_unused_loop_made_before_the_fork_may_move_into_the_child(library):
    """A prefork server makes its loop, forks, and runs it in the child."""
    output = run(
        library,
        """
        loop = library.new_event_loop()

        def child():
            print("child", loop.run_until_complete(asyncio.sleep(0.001, "ran")))
            loop.close()

        print(in_child(child))
        loop.close()
        """,
    )
    assert output == "child ran\n0\n"


def test_signals_in_the_child_do_not_reach_the_parents_loop(library):
    output = run(
        library,
        """
        loop = library.new_event_loop()
        loop.add_signal_handler(signal.SIGUSR1, print, "handler ran in", os.getpid())
        parent = os.getpid()

        def child():
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGUSR1, lambda number, frame: print("child got it"))
            os.kill(os.getpid(), signal.SIGUSR1)

        async def main():
            print(in_child(child))
            await asyncio.sleep(0.01)
            print("quiet")

        loop.run_until_complete(main())
        loop.remove_signal_handler(signal.SIGUSR1)
        loop.close()
        """,
    )
    assert output == "child got it\n0\nquiet\n"


def test_forking_often_while_running(library):
    output = run(
        library,
        """
        async def main():
            codes = set()
            for number in range(15):
                task = asyncio.create_task(asyncio.sleep(0.001))
                codes.add(in_child(lambda: library.run(asyncio.sleep(0), loop_factory=library.new_event_loop)))
                await task
            print(codes)

        library.run(main(), loop_factory=library.new_event_loop)
        """,
    )
    assert output == "{0}\n"


@pytest.mark.timeout(60)
def test_multiprocessing_by_fork_under_a_running_loop(library):
    output = run(
        library,
        """
        import concurrent.futures, multiprocessing

        async def main():
            context = multiprocessing.get_context("fork")
            with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
                loop = asyncio.get_running_loop()
                print(await asyncio.gather(*(loop.run_in_executor(pool, abs, -n) for n in range(3))))

        library.run(main(), loop_factory=library.new_event_loop)
        """,
    )
    assert output == "[0, 1, 2]\n"


def test_subprocesses_by_the_standard_module(library):
    output = run(
        library,
        """
        import subprocess

        async def main():
            code = await asyncio.to_thread(subprocess.call, [sys.executable, "-c", "raise SystemExit(6)"])
            print(code)

        library.run(main(), loop_factory=library.new_event_loop)
        """,
    )
    assert output == "6\n"
