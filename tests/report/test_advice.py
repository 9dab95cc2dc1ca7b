"""What a finding says of the Task concerned, and what it says to write instead."""

import json
import os
import subprocess
import sys

import pytest

BEGINNING = """
import asyncio

class Base:
    async def close(self): pass
    @property
    async def value(self): pass
    async def save(self, *arguments, force=False): pass
    def __getattr__(self, name):
        async def call(*arguments): pass
        return call

class Derived(Base):
    async def close(self):
        {closing}

async def child(number=0, text=""):
    return number

def hands_on(function):
    def inner(*arguments):
        return function(*arguments)
    return inner

@hands_on
async def wrapped(): pass

async def main():
    derived = Derived()
    await derived.close()
    {line}
    await asyncio.sleep(0)

asyncio.run(main())
"""


def findings(tmp_path, text):
    """The findings on a program."""
    script = tmp_path / "program.py"
    script.write_text(text)
    finished = subprocess.run(
        [sys.executable, "-m", "tepal", "report", "--json", str(script)], capture_output=True, text=True, timeout=30,
        check=False, env={**os.environ, "TEPAL_REPORT": "", "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)["findings"]


def advice_on(tmp_path, line, closing="pass"):
    [finding] = findings(tmp_path, BEGINNING.format(line=line, closing=closing))
    return finding["advice"]


INSTEAD = {
    "derived.value": "write `await derived.value`",
    "derived.save(1, force=True)  # a comment": "write `await derived.save(1, force=True)`",
    "derived.save(1,\n        force=True)": "write `await derived.save(...)`",
    "x = [child() for _ in range(2)]; del x": "write `await child()`",
    "derived.anything(1)": "await the coroutine, or make a Task of it",
    "wrapped()": "await the coroutine, or make a Task of it",
    "await asyncio.create_task(child(\n  3,  # 3\n  text='a  b',\n ))": "write `await child(3, text='a  b')`",
    "await asyncio.create_task(derived\n  .save(\n  ))": "write `await derived.save()`",
}


@pytest.mark.parametrize("line", INSTEAD)
def test_what_to_write_instead_is_code_on_one_line(tmp_path, line):
    assert advice_on(tmp_path, line) == INSTEAD[line]


def test_where_nothing_can_be_awaited_no_await_is_advised(tmp_path):
    text = "import asyncio\nasync def child(): pass\ndef starts():\n    child()\nstarts()\nchild()\n"
    said = {each["line"]: each["advice"] for each in findings(tmp_path, text)}
    assert said[4] == "await the coroutine, or make a Task of it"
    assert said[6] == "give the coroutine to asyncio.run(), or await it in another one"


def test_what_super_makes_is_awaited_with_super(tmp_path):
    assert advice_on(tmp_path, "pass", "super().close()") == "write `await super().close()`"


def test_a_coroutine_function_as_a_callback_is_told_as_one(tmp_path):
    advice = advice_on(tmp_path, "asyncio.get_running_loop().call_soon(child)")
    assert advice.endswith("what is to be a callback has to be a plain function")


IN_SEVERAL_TASKS = """
import asyncio

async def child(): pass

async def loses():
    child()

async def makes(kept):
    kept.append(child())

async def main():
    await asyncio.gather(loses(), loses())
    kept = []
    await asyncio.create_task(makes(kept), name="maker")
    kept.clear()

asyncio.run(main())
"""


def test_a_coroutine_is_said_to_be_called_only_in_a_task_that_called(tmp_path):
    said = {each["line"]: each["message"] for each in findings(tmp_path, IN_SEVERAL_TASKS) if each["line"] in (7, 10)}
    assert "was called 2 times in Task-2 and other Tasks and never awaited" in said[7]
    assert said[10].endswith("was called and never awaited: nothing of it ran (thrown away in Task-1)")


LATE = """
import asyncio

async def child(): pass

async def main():
    others = []
    for number in range(70):
        if number < 66:
            others.append(asyncio.create_task(child()))
        await asyncio.create_task(child())

asyncio.run(main())
"""


def test_what_was_not_timed_is_not_said_to_cost_nothing(tmp_path):
    # The first 64 Tasks of a line are timed, and are not awaited at once here, since their steps make others, too.
    [finding] = [each for each in findings(tmp_path, LATE) if each["kind"] == "awaited-at-once"]
    assert (finding["line"], finding["message"]) == (11, "4 Tasks awaited at once")
