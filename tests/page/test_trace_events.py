"""The trace for Perfetto and Chrome: what the Trace Event Format asks for, and that nothing is lost."""

import json
from collections import Counter, defaultdict

import pytest
from page_traces import TRACES, coroutine_or_task, server

from tepal import trace_events

NAMES = ["10", "1000", "hostile"]


@pytest.fixture(params=NAMES)
def recorded(request):
    trace = TRACES[request.param]()
    # What stands in the file, not what was handed to json: no NaN, no keys that are no texts.
    return trace, json.loads(json.dumps(trace_events.trace_events(trace), allow_nan=False))["traceEvents"]


def slices(events):
    return [event for event in events if event["ph"] == "X"]


def nanoseconds(event):
    """When an event begins and ends; microseconds in binary are not exact."""
    return round(event["ts"] * 1000), round((event["ts"] + event.get("dur", 0)) * 1000)


def test_every_event_has_what_its_phase_needs(recorded):
    needed = {
        "M": {"name", "pid", "tid", "args"},
        "X": {"name", "cat", "pid", "tid", "ts", "dur", "args"},
        "s": {"name", "cat", "id", "pid", "tid", "ts"},
        "f": {"name", "cat", "id", "pid", "tid", "ts", "bp"},
    }
    for event in recorded[1]:
        assert set(event) == {"ph"} | needed[event["ph"]]
        assert isinstance(event["name"], str) and isinstance(event["pid"], int) and isinstance(event["tid"], int)
        if event["ph"] != "M":
            assert event["ts"] >= 0 and event.get("dur", 0) >= 0


def test_slices_of_a_thread_nest(recorded):
    """Chrome asks for the order of time, and that a slice lies within another or beside it."""
    open_slices = defaultdict(list)
    for event in slices(recorded[1]):
        if event["cat"] == "wake":
            continue
        start, end = nanoseconds(event)
        stack = open_slices[event["tid"]]
        while stack and stack[-1] <= start:
            stack.pop()
        assert not stack or end <= stack[-1], event
        stack.append(end)


def test_slices_stand_in_the_order_of_time(recorded):
    keys = [(event["ts"], -event["dur"]) for event in slices(recorded[1]) if event["cat"] != "wake"]
    assert keys == sorted(keys)


def test_all_events_are_there(recorded):
    trace, events = recorded
    counts = Counter(event["cat"] for event in slices(events))
    assert counts["step"] == len(trace["steps"])
    assert counts["coroutine"] == len(trace["coroutines"])
    assert counts["wait"] == len(trace["waits"])
    assert counts["callback"] == len(trace["callbacks"])
    assert counts["block"] == len(trace["blocks"])


def test_every_thread_that_has_events_has_a_name(recorded):
    trace, events = recorded
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert {event["tid"] for event in events if event["ph"] != "M"} <= set(names)
    assert {trace_events.TASKS + task["id"]: task["name"] for task in trace["tasks"]}.items() <= names.items()
    assert min(names) > 0  # Perfetto mixes up what is not positive
    assert names[trace_events.LOOP] == "event loop"


def test_arrows_are_pairs_that_begin_and_end_in_slices(recorded):
    trace, events = recorded
    begins = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert begins.keys() == ends.keys() and len(begins) == len(trace["wakes"])
    by_thread = defaultdict(list)
    for event in slices(events):
        by_thread[event["tid"]].append(nanoseconds(event))
    for number, begin in begins.items():
        assert begin["ts"] <= ends[number]["ts"]
        for event in (begin, ends[number]):
            assert any(start <= nanoseconds(event)[0] < end for start, end in by_thread[event["tid"]]), event


def test_a_bare_coroutine_lies_in_its_callers_thread():
    events = slices(trace_events.trace_events(coroutine_or_task())["traceEvents"])
    threads = [event["tid"] for event in events if event["name"] == "child"]
    assert [thread - trace_events.TASKS for thread in threads] == [1, 2]


def test_a_task_that_was_woken_and_did_not_run_has_no_arrow():
    trace = coroutine_or_task()
    trace["wakes"].append([trace["duration"], 1, "callback", None, "too late"])
    events = trace_events.trace_events(trace)["traceEvents"]
    assert not [event for event in events if event["name"] == "too late" and event["ph"] in "sf"]


def test_what_is_open_lasts_to_the_end():
    trace = server(1_000)
    (open_wait,) = (wait for wait in trace["waits"] if wait[1] is None)
    events = slices(trace_events.trace_events(trace)["traceEvents"])
    (event,) = (
        event for event in events if event["cat"] == "wait" and event["tid"] == trace_events.TASKS + open_wait[2]
    )
    assert nanoseconds(event)[1] == trace["duration"]


def test_write(tmp_path):
    file = tmp_path / "trace.json"
    trace_events.write(coroutine_or_task(), file)
    assert json.loads(file.read_text(encoding="utf-8")) == trace_events.trace_events(coroutine_or_task())
