"""The text of a report, read as a person reads it: true, short, in words that agree with their numbers."""

import json
import os
import re
import subprocess
import sys

import pytest

WAITING = """
import asyncio

async def takes(queue):
    await queue.get()

async def stubborn(event):
    while True:
        try:
            await event.wait()
        except asyncio.CancelledError:
            pass

async def numbers():
    yield await asyncio.sleep(0)
    yield

async def main():
    queue = asyncio.Queue()
    events = [asyncio.Event() for _ in range(2)]
    kept = [asyncio.create_task(takes(queue), name=f"taker {number}") for number in range(5)]
    kept += [asyncio.create_task(asyncio.sleep(0.9), name="poller")]
    kept += [asyncio.create_task(stubborn(event), name=f"stubborn {number}") for number, event in enumerate(events)]
    waits = asyncio.create_task(asyncio.wait([kept[5]]))
    await asyncio.sleep(0.01)
    for task in kept[-2:]:
        task.cancel()
    await asyncio.sleep(0)
    async for _ in numbers():
        break

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
"""


def report(tmp_path, text, *options):
    """What `tepal report` writes on a program, to standard output and to standard error."""
    script = tmp_path / "program.py"
    script.write_text(text)
    finished = subprocess.run(
        [sys.executable, "-m", "tepal", "report", *options, "program.py"], capture_output=True, text=True, timeout=30,
        check=False, cwd=tmp_path, env={**os.environ, "TEPAL_REPORT": "", "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return finished.stdout, finished.stderr


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    _, text = report(tmp_path_factory.mktemp("waiting"), WAITING)
    return text.splitlines()


def test_several_tasks_that_are_stuck_in_one_line_are_counted(waiting):
    [said] = [line for line in waiting if "taker 0, taker 1" in line]
    assert said.startswith("    taker 0, taker 1, taker 2 and 2 more wait for an item of Queue at ")


def test_several_tasks_that_swallowed_their_cancellation_are_told_in_the_plural(waiting):
    [said] = [line for line in waiting if "swallowed" in line]
    words = (
        "stubborn 0 and stubborn 1 were cancelled, swallowed the CancelledError and go on: wait, stubborn 0 for Event"
    )
    assert said.strip().startswith(words)


def test_tasks_that_wait_alike_are_one_entry(waiting):
    start = next(number for number, line in enumerate(waiting) if line.startswith("Waiting when"))
    takers = [line for line in waiting[start:] if line.startswith("  taker")]
    assert takers == ["  taker 0 (takes) program.py:5, and 4 more there"]


def test_rests_of_timers_have_a_unit_that_fits(waiting):
    assert any(re.fullmatch(r"    for sleep\(0.9\), \d+ ms left, since .*", line) for line in waiting)


def test_a_generator_that_is_being_closed_has_a_name_without_an_address(waiting):
    assert any("(async_generator_athrow)" in line for line in waiting), waiting
    assert not any("object at" in line for line in waiting)


def test_a_task_of_which_no_line_is_the_programs_is_shown_where_it_was_made(waiting):
    assert "  poller (sleep) program.py:22" in waiting


BLOCKING = """
import asyncio, time

async def main():
    for _ in range(2):
        time.sleep(0.03)
        await asyncio.sleep(0)

asyncio.run(main())
"""


def test_blocking_twice_is_once_more(tmp_path):
    _, text = report(tmp_path, BLOCKING, "--threshold=0.02")
    assert "shutdown_" not in text  # what asyncio.run() does at its end is not the program's
    [said] = [line.strip() for line in text.splitlines() if "held the loop" in line]
    assert said.startswith("Task-1 held the loop for ") and said.endswith("ms, and once more")


def test_sentences_of_sarif_begin_as_sentences(tmp_path):
    text, _ = report(tmp_path, WAITING, "--sarif")
    messages = [each["message"]["text"] for each in json.loads(text)["runs"][0]["results"]]
    assert any(". Give it to whoever is to complete it, or cancel the Task that waits." in each for each in messages)
    assert all(each.startswith(("taker", "stubborn")) for each in messages)


IN_SEVERAL_LINES = """
import asyncio, time

def first():
    time.sleep(0.06)

async def second():
    time.sleep(0.06)

async def main():
    first()
    time.sleep(0.001)
    await second()
    time.sleep(0.06)
    first()

asyncio.run(main())
"""


def test_every_line_in_which_a_step_stays_for_long_is_named(tmp_path):
    text, _ = report(tmp_path, IN_SEVERAL_LINES, "--threshold=0.04", "--json")
    [finding] = json.loads(text)["findings"]
    assert (finding["kind"], finding["line"], finding["count"]) == ("blocking", 5, 1)
    assert finding["message"].endswith("; 2 more lines of it block")
    later = [(line, said) for _, line, said in finding["related"] if said.endswith("later in that step")]
    assert later == [(8, "second, later in that step"), (14, "main, later in that step")]
