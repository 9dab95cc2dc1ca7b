"""The type stubs say what the extension has: mypy's ``stubtest``, where mypy is installed."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")

ALLOWED = pathlib.Path(__file__).with_name("stubtest-allowed.txt")


@pytest.mark.timeout(180)
def test_stubs_agree_with_the_package(tmp_path):
    finished = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "tepal", "--concise", "--allowlist", str(ALLOWED)],
        capture_output=True, text=True, timeout=170, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr


PROGRAM = """
import asyncio
import tepal

async def body() -> int:
    await asyncio.sleep(0)
    return 1

async def main() -> int:
    loop = asyncio.get_running_loop()
    task: asyncio.Task[int] = loop.create_task(body())
    handle: asyncio.Handle = loop.call_soon(print, 1)
    handle.cancel()
    return await task

number: int = tepal.run(main())
loop: tepal.EventLoop = tepal.new_event_loop()
future: tepal.Future[int] = tepal.Future(loop=loop)
task: tepal.Task[int] = tepal.Task(body(), loop=loop)
timer: tepal.TimerHandle = tepal.TimerHandle(1.0, print, (), loop)
when: float = timer.when()
asyncio.Runner(loop_factory=tepal.new_event_loop)
"""


@pytest.mark.timeout(180)
def test_a_typed_program(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    finished = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(program)],
        capture_output=True, text=True, timeout=170, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
