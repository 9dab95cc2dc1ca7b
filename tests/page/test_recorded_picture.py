"""Pictures of real programs: what ``--html`` and ``--trace`` write, from the recorder to the file."""

import base64
import gzip
import itertools
import json
import os
import re
import subprocess
import sys

import pytest

PROGRAM = """\
import asyncio
import sys


async def child():
    await asyncio.sleep(0.01)


async def main():
    await child()
    await asyncio.create_task(child(), name="its own")
    print(sys.argv[1:])


asyncio.run(main())
"""


def tepal(*arguments, **environment):
    finished = subprocess.run(
        [sys.executable, "-m", "tepal", *arguments], env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert "Traceback" not in finished.stderr, finished.stderr
    return finished


def embedded(file):
    """What a page carries."""
    found = re.search(r'<script id="trace"[^>]*>([^<]*)</script>', file.read_text(encoding="utf-8"))
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def activations(packed):
    """(coroutine, name of the Task, depth, start, end) of each, by time."""
    names = dict(zip(packed["tasks"]["id"], (packed["texts"][i] for i in packed["tasks"]["name"]), strict=True))
    columns = packed["coroutines"]
    starts = list(itertools.accumulate(columns["start"]))
    return [
        (packed["code"][code][0], names[task], depth, start, start + length)
        for start, length, task, depth, code in zip(
            starts, columns["length"], columns["task"], columns["depth"], columns["code"], strict=True
        )
    ]


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.mark.parametrize("action", ["report", "run"])
def test_html_and_trace_beside_each_other(script, tmp_path, action):
    html, trace = tmp_path / "run.html", tmp_path / "run.json"
    finished = tepal(action, "--html", str(html), f"--trace={trace}", str(script), "--html", "x")
    assert (finished.returncode, finished.stdout) == (0, "['--html', 'x']\n")  # what follows the script is the script's
    assert (embedded(html)["script"], embedded(html)["arguments"]) == (str(script), ["--html", "x"])
    names = [event["name"] for event in json.loads(trace.read_text())["traceEvents"] if event.get("cat") == "coroutine"]
    assert names.count("child") == 2 and names.count("main") == 1
    assert (finished.stderr != "") == (action == "report")


def test_a_bare_coroutine_is_recorded_in_its_caller_and_a_task_on_its_own(script, tmp_path):
    html = tmp_path / "run.html"
    tepal("report", "--html", str(html), str(script))
    found = [row for row in activations(embedded(html)) if row[0] in ("main", "child")]
    assert [(name, depth) for name, _, depth, _, _ in found] == [("main", 0), ("child", 1), ("child", 0)]
    (_, caller, _, began, ended), (_, bare, _, start, end), (_, own, _, _, _) = found
    assert bare == caller and began <= start < end <= ended
    assert own == "its own" != caller


def test_the_source_lines_of_the_program_are_in_the_page(script, tmp_path):
    html = tmp_path / "run.html"
    tepal("run", "--html", str(html), str(script))
    packed = embedded(html)
    number = next(i for i, name in enumerate(packed["files"]) if name.endswith("program.py"))
    lines = PROGRAM.splitlines()
    excerpts = {int(line): text for line, text in packed["excerpts"][str(number)].items()}
    assert excerpts and all(lines[line - 1] == text for line, text in excerpts.items())
    assert {"    await asyncio.sleep(0.01)", "async def main():"} <= set(excerpts.values())


def test_the_environment_asks_for_a_picture(script, tmp_path):
    html = tmp_path / "run.html"
    finished = tepal("run", str(script), TEPAL_REPORT=str(html))
    assert (finished.returncode, finished.stderr) == (0, "")
    assert [row[0] for row in activations(embedded(html))].count("child") == 2


def test_options_with_a_value_after_a_space(script, tmp_path):
    text = tmp_path / "report.txt"
    finished = tepal("report", "--output", str(text), "--threshold", "5", "--fail-on", "blocking", str(script))
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "[]\n", "")
    assert text.read_text()


@pytest.mark.parametrize("option", ["--html", "--trace"])
def test_a_file_that_cannot_be_written_is_refused_before_the_program_runs(script, tmp_path, option):
    finished = tepal("run", option, str(tmp_path / "missing" / "run"), str(script))
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "can't write" in finished.stderr and "No such file or directory" in finished.stderr


def test_slices_of_a_real_run_nest_and_hold_the_ends_of_its_arrows(script, tmp_path):
    trace = tmp_path / "run.json"
    tepal("run", "--trace", str(trace), str(script))
    events = json.loads(trace.read_text())["traceEvents"]
    spans = [(event["tid"], event["ts"], event["ts"] + event["dur"]) for event in events if event["ph"] == "X"]
    ends = [event for event in events if event["ph"] in "sf"]
    assert len(ends) > 4
    for event in ends:
        assert any(tid == event["tid"] and start <= event["ts"] <= end for tid, start, end in spans), event
    threads = {}
    for event in events:
        if event["ph"] != "X" or event["cat"] == "wake":
            continue
        start, end = round(event["ts"] * 1000), round((event["ts"] + event["dur"]) * 1000)
        stack = threads.setdefault(event["tid"], [])
        while stack and stack[-1] <= start:
            stack.pop()
        assert not stack or end <= stack[-1], event
        stack.append(end)
