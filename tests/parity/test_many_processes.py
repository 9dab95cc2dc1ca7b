"""Many short processes: no exit code is lost, no zombie and no descriptor is left, with pidfds and without."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

PIPE = asyncio.subprocess.PIPE


def zombies():
    """Children of this process that have ended and were not waited for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        state, parent = text.rpartition(")")[2].split()[:2]
        if state == "Z" and int(parent) == os.getpid():
            found.append(text)
    return found


async def exit_code(code):
    process = await asyncio.create_subprocess_exec("sh", "-c", f"exit {code}")
    return await asyncio.wait_for(process.wait(), 30)


async def run_many(count, at_once):
    """So many processes, which end with 0 to 99 by turns; returns their exit codes."""
    codes = [-1] * count
    numbers = iter(range(count))

    async def work():
        for number in numbers:
            codes[number] = await exit_code(number % 100)

    await asyncio.gather(*(work() for _ in range(at_once)))
    return codes


@pytest.mark.timeout(120)
async def test_a_thousand(loop, library):
    if not library.is_tepal and sys.version_info < (3, 12):
        pytest.skip("asyncio starts a thread for each")
    threads = threading.active_count()
    assert await run_many(1000, 8) == [number % 100 for number in range(1000)]
    assert zombies() == [] and threading.active_count() == threads


async def test_a_hundred_at_once(loop):
    codes = await asyncio.gather(*(exit_code(number) for number in range(100)))
    assert codes == list(range(100)) and zombies() == []


async def test_processes_that_are_killed(loop):
    started = await asyncio.gather(*(asyncio.create_subprocess_exec("sleep", "60") for _ in range(30)))
    for process in started:
        process.kill()
    assert {await process.wait() for process in started} == {-signal.SIGKILL}
    assert zombies() == []


async def test_one_that_has_ended_before_anybody_watches(loop, monkeypatch):
    """Between the start and the first look at it: its status waits."""
    original = subprocess.Popen.__init__

    def slow(self, *arguments, **options):
        original(self, *arguments, **options)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    monkeypatch.setattr(subprocess.Popen, "__init__", slow)
    assert [await exit_code(code) for code in (0, 7, 99)] == [0, 7, 99]
    process = await asyncio.create_subprocess_exec("sh", "-c", "echo early; exit 3", stdout=PIPE)
    assert (await process.communicate())[0] == b"early\n" and process.returncode == 3
    assert zombies() == []


@pytest.fixture
def no_pidfds(monkeypatch):
    """A kernel from before 5.3, or a sandbox that forbids the call."""

    def refuse(*arguments):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    started = []
    start = threading.Thread.start

    def note(thread):
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    monkeypatch.setattr(os, "pidfd_open", refuse)
    if sys.version_info >= (3, 14):
        # Asked once, when asyncio is imported, or by the first process.
        monkeypatch.setattr(asyncio.unix_events, "can_use_pidfd", lambda: False)
        yield started
        return
    policy = asyncio.get_event_loop_policy()
    before, policy._watcher = policy._watcher, None
    yield started
    policy._watcher = before


@pytest.mark.timeout(60)
def test_without_pidfds(library, no_pidfds):
    """asyncio's thread for each process."""
    loop = library.new_event_loop()
    try:
        assert loop.run_until_complete(run_many(60, 6)) == list(range(60))
        codes = loop.run_until_complete(asyncio.wait_for(run_many(10, 10), 30))
        assert codes == list(range(10))
    finally:
        loop.close()
    assert sum("waitpid" in name for name in no_pidfds) == 70
    for thread in threading.enumerate():
        if "waitpid" in thread.name:
            thread.join(10)
    assert zombies() == []
