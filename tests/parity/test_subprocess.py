"""Child processes: no thread, no zombie, no lost exit code."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import threading
import time

import interpreter
import pytest

PYTHON = sys.executable


async def run(*arguments, **options):
    process = await asyncio.create_subprocess_exec(*arguments, **options)
    output, errors = await asyncio.wait_for(process.communicate(), 15)
    return process.returncode, output, errors


async def test_output_and_exit_code(loop):
    pipe = asyncio.subprocess.PIPE
    assert await run("sh", "-c", "echo out; echo err >&2; exit 3", stdout=pipe, stderr=pipe) == (3, b"out\n", b"err\n")


async def test_many_at_once(loop):
    codes = await asyncio.gather(*(run("sh", "-c", f"exit {number}") for number in range(20)))
    assert [code for code, _, _ in codes] == list(range(20))


async def test_killing(loop):
    process = await asyncio.create_subprocess_exec("sleep", "60")
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 15) == -signal.SIGTERM


async def test_input(loop):
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("cat", stdin=pipe, stdout=pipe)
    data = os.urandom(300_000)
    output, _ = await asyncio.wait_for(process.communicate(data), 15)
    assert output == data and process.returncode == 0


async def test_what_cannot_be_started(loop):
    with pytest.raises(FileNotFoundError):
        await asyncio.create_subprocess_exec("/nonexistent/program")


async def test_no_thread_waits(loop, library):
    """asyncio of 3.11 starts one for each process."""
    before = threading.active_count()
    process = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        if library.is_tepal or sys.version_info >= (3, 12):
            assert threading.active_count() == before
    finally:
        process.kill()
        await process.wait()


async def test_no_zombie_is_left(loop):
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def skip_if_a_thread_waits(library):
    if not library.is_tepal and sys.version_info < (3, 12):
        pytest.skip("asyncio's thread waits first")


async def test_an_exit_status_that_somebody_else_took(loop, library, reports):
    skip_if_a_thread_waits(library)
    process = await asyncio.create_subprocess_exec("sleep", "0.05")
    os.waitpid(process.pid, 0)
    assert await asyncio.wait_for(process.wait(), 15) == 255
    reports.take_records()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="asyncio of 3.12 on lets pidfd_open() fail")
async def test_a_program_that_ignores_its_children(loop, reports):
    """The kernel forgets them then as soon as they end, their exit codes included."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        for _ in range(20):
            process = await asyncio.create_subprocess_exec("false")
            assert await asyncio.wait_for(process.wait(), 15) == 255
    finally:
        signal.signal(signal.SIGCHLD, before)
    reports.take_records()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="asyncio's own from 3.12 on")
@pytest.mark.parametrize("library", ["tepal"], indirect=True)
async def test_no_descriptor_to_wait_with(loop, monkeypatch):
    """The process is ended, its pipes are closed."""
    starting = subprocess.Popen
    started = []

    def remember(*arguments, **options):
        started.append(starting(*arguments, **options))
        return started[0]

    opening = os.pidfd_open

    def none_left(pid):
        if pid == os.getpid():
            return opening(pid)  # that is how tepal asks whether the kernel has such descriptors
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(subprocess, "Popen", remember)
    with monkeypatch.context() as context:
        context.setattr(os, "pidfd_open", none_left)
        with pytest.raises(OSError, match="Too many open files"):
            await run("sleep", "60", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.pop().returncode == -signal.SIGKILL
    await asyncio.sleep(0.01)


def test_a_loop_that_is_closed_while_a_process_runs(library):
    skip_if_a_thread_waits(library)
    loop = library.new_event_loop()
    process = loop.run_until_complete(asyncio.create_subprocess_exec("sleep", "60"))
    process._transport.close()
    os.waitpid(process.pid, 0)
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="3.12 deprecates child watchers")
def test_a_watcher_of_the_programs_own(library):
    class Counting(asyncio.ThreadedChildWatcher):
        handled = 0

        def add_child_handler(self, pid, callback, *args):
            Counting.handled += 1
            super().add_child_handler(pid, callback, *args)

    policy = asyncio.get_event_loop_policy()
    before = policy._watcher
    watcher = Counting()
    asyncio.set_child_watcher(watcher)
    loop = library.new_event_loop()
    try:
        assert loop.run_until_complete(run("true"))[0] == 0
        assert Counting.handled == 1
    finally:
        loop.close()
        policy._watcher = before


# From 3.12 on asyncio ends a process that nobody has waited for, when its transport is destroyed.
ONLY_311 = pytest.mark.skipif(sys.version_info >= (3, 12), reason="asyncio ends the process")


@ONLY_311
def test_a_process_outlives_its_loop_and_the_interpreter(library, tmp_path):
    script = """
        async def main():
            await asyncio.create_subprocess_exec("/bin/sh", "-c", "sleep 0.3; echo done > $0", sys.argv[1], stdin=-1)
        {start}
    """
    starts = [
        "library.run(main(), loop_factory=library.new_event_loop)",
        "loop = library.new_event_loop(); loop.run_until_complete(main())",
    ]
    marks = [tmp_path / "run", tmp_path / "open"]
    for start, mark in zip(starts, marks, strict=True):
        ended = interpreter.run(library.name, script.format(start=start), str(mark))
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    deadline = time.monotonic() + 5
    while not all(mark.exists() for mark in marks):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@ONLY_311
def test_a_process_whose_loop_is_closed_is_waited_for(library, opened, caplog):
    loop = opened(library.new_event_loop())
    started = loop.run_until_complete(asyncio.create_subprocess_exec("/bin/sleep", "0.1"))
    pid = started.pid
    loop.close()
    deadline = time.monotonic() + 5
    while not any("that handles pid" in record.message for record in caplog.records):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    started._transport._closed = True
    started._transport._proc.returncode = 0  # or it warns of a process that is still running
    caplog.clear()  # the record has the loop
