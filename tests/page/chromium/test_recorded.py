"""The page of real runs, from the recorder to the screen."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Page

ROOT = Path(__file__).resolve().parents[3]
SERVER = """\
import asyncio
import time


async def handle(reader, writer):
    while line := await reader.readline():
        async with lock:
            await asyncio.sleep(0.001)
        if line == b"slow\\n":
            time.sleep(0.15)
        writer.write(line)
        await writer.drain()
    writer.close()


async def client(number, port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for turn in range(3):
        writer.write(b"slow\\n" if (number, turn) == (3, 1) else b"hello\\n")
        await reader.readline()
    writer.close()
    await writer.wait_closed()


async def main():
    global lock
    lock = asyncio.Lock()
    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(client(number, port), name=f"client-{number}")


asyncio.run(main())
"""


@pytest.fixture
def recorded(driver, tmp_path):
    """Runs a program with --html and opens the page; afterwards the page must have had nothing to complain about."""
    pages = []

    def open_recorded(script):
        file = tmp_path / "run.html"
        words = [sys.executable, "-m", "tepal", "run", "--html", str(file), str(script)]
        subprocess.run(words, check=True, timeout=40, cwd=ROOT, stdout=subprocess.DEVNULL)
        pages.append(Page(driver, file).open())
        return pages[-1]

    yield open_recorded
    assert pages[0].errors() == []
    assert pages[0].requests() == [pages[0].file.as_uri()]


def bars(opened):
    """Each coroutine bar: its coroutine, its Task, its depth."""
    return opened.run(
        """
        const {coroutines, code, tasks} = picture.trace;
        const {columns} = coroutines;
        return [...columns.code].map((c, i) => [code[c][0], tasks[columns.task[i]].name, columns.depth[i], i]);
        """
    )


def test_the_example_shows_one_lane_and_then_two(recorded, screenshot):
    opened = recorded(ROOT / "examples" / "one_lane_or_two.py")
    screenshot("one-lane-or-two")
    (_, bare_task, bare_depth, bare), (_, own_task, own_depth, own) = [bar for bar in bars(opened) if bar[0] == "child"]
    (_, main_task, _, main) = next(bar for bar in bars(opened) if bar[0] == "main")
    assert bare_task == main_task != own_task and bare_depth > 0 == own_depth
    callers, inner, outer = (opened.bar("coroutine", i) for i in (main, bare, own))
    assert callers[0] < inner[0] and inner[2] < callers[2] and callers[1] < inner[1] < outer[1]
    opened.click((outer[0] + outer[2]) / 2, (outer[1] + outer[3]) / 2)
    assert "examples/coroutine_or_task.py" in opened.text("#details")
    assert "async def child" in opened.text("#details .source mark")


def test_a_server(recorded, screenshot, tmp_path):
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    opened = recorded(script)
    screenshot("server")
    names = {task for _, task, depth, _ in bars(opened) if depth == 0}
    assert {f"client-{number}" for number in range(12)} <= names
    handlers = {task for name, task, depth, _ in bars(opened) if name == "handle" and depth == 0}
    assert len(handlers) == 12
    kinds = opened.run("return [...new Set(picture.trace.waits.columns.kind)].map((k) => picture.trace.texts[k])")
    assert {"socket", "lock", "timer"} <= set(kinds)
    causes = opened.run("return [...new Set(picture.trace.wakes.kind)].map((k) => picture.trace.texts[k])")
    assert {"descriptor", "timer", "task"} <= set(causes)
    assert "held the loop" in opened.text("#findings").lower() or "block" in opened.text("#findings").lower()
    opened.run("document.querySelector('#findings summary').click()")
    opened.settle()
    screenshot("server-blocked")
    assert opened.text("#details h3").startswith("Held the loop")
    assert "time.sleep(0.15)" in opened.text("#details .source")
    opened.keys("/", "client-3")
    assert opened.run("return picture.search.places.length") > 0
