"""The columns that the page embeds: nothing of the trace is lost on the way, and what is read of files is little."""

import itertools
import json

import pytest
from page_traces import HOSTILE, TRACES, coroutine_or_task, server

from tepal.page.packing import LINES_AROUND, LONGEST_LINE, OPEN, pack


def times(columns, name="start"):
    return list(itertools.accumulate(columns[name]))


def ends(columns):
    return [
        None if length == OPEN else start + length
        for start, length in zip(times(columns), columns["length"], strict=True)
    ]


def texts(packed, indices):
    return [None if index == OPEN else packed["texts"][index] for index in indices]


def or_none(values):
    return [None if value == OPEN else value for value in values]


@pytest.mark.parametrize("name", TRACES)
def test_rows_come_back_from_the_columns(name):
    trace = TRACES[name]()
    packed = pack(trace)
    steps = packed["steps"]
    assert sorted(zip(times(steps), steps["length"], steps["task"], strict=True)) == sorted(map(tuple, trace["steps"]))
    waits = packed["waits"]
    columns = (times(waits), ends(waits), waits["task"], texts(packed, waits["kind"]), texts(packed, waits["text"]),
               or_none(waits["target"]), or_none(waits["site"]))  # fmt: skip
    assert sorted(zip(*columns, strict=True), key=repr) == sorted(map(tuple, trace["waits"]), key=repr)
    coroutines = packed["coroutines"]
    columns = (
        times(coroutines),
        ends(coroutines),
        coroutines["task"],
        coroutines["depth"],
        or_none(coroutines["code"]),
    )
    assert sorted(zip(*columns, strict=True), key=repr) == sorted(map(tuple, trace["coroutines"]), key=repr)
    wakes = packed["wakes"]
    columns = (
        times(wakes, "time"),
        wakes["task"],
        texts(packed, wakes["kind"]),
        or_none(wakes["cause"]),
        texts(packed, wakes["text"]),
    )
    assert sorted(zip(*columns, strict=True), key=repr) == sorted(map(tuple, trace["wakes"]), key=repr)
    callbacks = packed["callbacks"]
    columns = (times(callbacks), callbacks["length"], texts(packed, callbacks["text"]))
    assert sorted(zip(*columns, strict=True)) == sorted(map(tuple, trace["callbacks"]))
    blocks = packed["blocks"]
    columns = (times(blocks), blocks["length"], or_none(blocks["task"]), or_none(blocks["stack"]))
    assert sorted(zip(*columns, strict=True)) == sorted(map(tuple, trace["blocks"]))


def test_tasks_come_back_in_the_order_of_their_creation():
    trace = server(1_000)
    trace["tasks"].reverse()
    packed = pack(trace)
    tasks = packed["tasks"]
    created = times(tasks, "created")
    assert created == sorted(created)
    back = [
        {
            "id": tasks["id"][i],
            "name": packed["texts"][tasks["name"][i]],
            "code": or_none(tasks["code"])[i],
            "created": created[i],
            "stack": or_none(tasks["stack"])[i],
            "parent": or_none(tasks["parent"])[i],
            "ended": None if tasks["ended"][i] == OPEN else created[i] + tasks["ended"][i],
            "outcome": packed["texts"][tasks["outcome"][i]],
            "error": texts(packed, tasks["error"])[i],
        }
        for i in range(len(created))
    ]
    assert sorted(back, key=lambda task: task["id"]) == sorted(trace["tasks"], key=lambda task: task["id"])


def test_columns_are_shorter_than_rows():
    trace = server(20_000)
    assert len(json.dumps(pack(trace), separators=(",", ":"))) < 0.6 * len(json.dumps(trace, separators=(",", ":")))


def test_lines_around_places_are_taken_from_the_sources():
    trace = coroutine_or_task()
    lines = trace["sources"]["0"].splitlines()
    shown = pack(trace)["excerpts"]["0"]
    wanted = {site[1] for site in trace["sites"] if site[0] == 0} | {code[2] for code in trace["code"]}
    around = {line + by for line in wanted for by in range(-LINES_AROUND, LINES_AROUND + 1)}
    assert shown == {str(line): lines[line - 1] for line in around if 1 <= line <= len(lines)}


def test_of_a_file_without_source_only_the_line_is_read(tmp_path):
    file = tmp_path / "module.py"
    file.write_text("secret = 1\nawait_here()\nsecret = 2\n")
    trace = coroutine_or_task()
    trace["files"].append(str(file))
    trace["sites"].append([3, 2, "f"])
    trace["files"].append(str(tmp_path / "gone.py"))
    trace["sites"].append([4, 2, "g"])
    excerpts = pack(trace)["excerpts"]
    assert excerpts["3"] == {"2": "await_here()"}
    assert "4" not in excerpts


def test_a_finding_brings_its_line():
    trace = coroutine_or_task()
    trace["findings"][0]["line"] = 15
    assert pack(trace)["excerpts"]["0"]["15"] == "asyncio.run(main())"


def test_a_very_long_line_is_cut():
    trace = coroutine_or_task()
    trace["sources"] = {"0": "\n" * 9 + "x" * 10_000}
    assert pack(trace)["excerpts"]["0"]["10"] == "x" * LONGEST_LINE


@pytest.mark.parametrize("change", [{"format": "other"}, {"version": 2}, {"format": None}])
def test_another_format_is_refused(change):
    with pytest.raises(ValueError, match="tepal-trace of version 1"):
        pack({**coroutine_or_task(), **change})


def test_hostile_names_stay_as_they_are():
    assert set(HOSTILE) <= set(pack(TRACES["hostile"]())["texts"])


def test_files_are_shown_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trace = coroutine_or_task()
    inside, beside = str(tmp_path / "shop" / "server.py"), f"{tmp_path}-other/server.py"
    trace["files"] += [inside, beside]
    trace["findings"][0]["file"] = inside
    packed = pack(trace)
    assert packed["files"][-2:] == ["shop/server.py", beside]
    assert packed["findings"][0]["file"] == "shop/server.py"
