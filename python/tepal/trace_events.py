"""The events of a recorded run as a JSON trace for Perfetto and chrome://tracing.

The format is Chrome's "Trace Event Format", in its object form. Every Task is a thread whose slices are its coroutine
activations, one in the other, and innermost what the Task waits for. The event loop is a thread of its own with the
steps and the callbacks, which would not nest in a Task's slices; what held the loop is on a thread below it. A wake-up
is a flow arrow from its cause to the step that followed: a cause that is no Task (a timer, a descriptor, a thread, a
callback, a signal) has a thread for its kind, with a slice for the arrow to begin in.

All times are microseconds since the recording began; the trace's nanoseconds are the decimals.
"""

from __future__ import annotations

import bisect
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["trace_events", "write"]

Event = dict[str, Any]

PROCESS = 1
LOOP = 1
"""The thread number of the event loop: the process' own, so that viewers take it as the main thread.

Numbers have to be positive, as a kernel's are: Perfetto puts what happens in a thread 0 or -1 into another one.
"""

BLOCKS = 2
CAUSES = {"timer": 3, "descriptor": 4, "thread": 5, "callback": 6, "signal": 7}
OTHER_CAUSE = 8
TASKS = 10
"""Added to a Task's number, this is its thread's."""

POINT = 1
"""Nanoseconds that a slice lasts that stands for a moment: an arrow needs a slice to begin in."""


def trace_events(trace: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``trace``, the recorder's dict (docs/inside/trace.md), in the object form of the Trace Event Format."""
    return {
        "traceEvents": list(_events(trace)),
        "displayTimeUnit": "ns",
        "otherData": {
            name: trace.get(name) for name in ("python", "tepal", "script", "arguments", "started", "dropped", "sums")
        },
    }


def write(trace: Mapping[str, Any], file: str | os.PathLike[str]) -> None:
    """Write ``trace`` to ``file``, which is replaced if it is there; raises ``OSError`` if it cannot be written."""
    text = json.dumps(trace_events(trace), separators=(",", ":"), allow_nan=False)
    with open(file, "w", encoding="utf-8", newline="\n") as opened:
        opened.write(text)


def _events(trace: Mapping[str, Any]) -> Iterator[Event]:
    yield from _names(trace)
    slices = [*_coroutines(trace), *_waits(trace), *_steps(trace), *_callbacks(trace), *_blocks(trace)]
    # What contains comes before what it contains, also when both begin at once: an empty inner slice may come first
    # in time only.
    slices.sort(key=lambda event: (event["ts"], -event["dur"]))
    yield from slices
    yield from _wakes(trace)


def _names(trace: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the metadata: what the process and the threads are called, and in which order they stand."""
    threads: dict[int, str] = {LOOP: "event loop", BLOCKS: "held the loop"}
    threads |= {number: f"cause: {kind}" for kind, number in CAUSES.items()}
    threads[OTHER_CAUSE] = "cause: other"
    driven = {row[2] for row in trace["coroutines"] if row[3] == 0}
    used = {CAUSES.get(wake[2], OTHER_CAUSE) for wake in trace["wakes"] if wake[3] not in driven} | {LOOP}
    used |= {BLOCKS} if trace["blocks"] else set()
    yield _metadata("process_name", LOOP, name=f"{trace['script']} on tepal {trace['tepal']}")
    for number, name in threads.items():
        if number in used:
            yield _metadata("thread_name", number, name=name)
            yield _metadata("thread_sort_index", number, sort_index=number)
    for task in trace["tasks"]:
        thread = TASKS + task["id"]
        yield _metadata("thread_name", thread, name=task["name"])
        yield _metadata("thread_sort_index", thread, sort_index=thread)


def _metadata(what: str, thread: int, **arguments: Any) -> Event:
    return {"ph": "M", "name": what, "pid": PROCESS, "tid": thread, "args": arguments}


def _slice(category: str, name: str, thread: int, start: int, length: int, **arguments: Any) -> Event:
    """Return a complete event; arguments that are ``None`` are left out."""
    return {
        "ph": "X",
        "cat": category,
        "name": name,
        "pid": PROCESS,
        "tid": thread,
        "ts": _microseconds(start),
        "dur": _microseconds(length),
        "args": {key: value for key, value in arguments.items() if value is not None},
    }


def _microseconds(nanoseconds: int) -> float:
    return nanoseconds / 1000


def _coroutines(trace: Mapping[str, Any]) -> Iterator[Event]:
    tasks = {task["id"]: task for task in trace["tasks"]}
    for start, end, task, depth, code in trace["coroutines"]:
        length = (trace["duration"] if end is None else end) - start
        name, file, line = trace["code"][code] if code is not None else ("?", None, None)
        more: dict[str, Any] = {}
        if depth == 0 and task in tasks:
            shown = tasks[task]
            more = {
                "task": shown["name"],
                "outcome": shown["outcome"],
                "error": shown["error"],
                "parent": shown["parent"],
                "created at": _stack(trace, shown["stack"]),
            }
        place = None if file is None else f"{trace['files'][file]}:{line}"
        yield _slice("coroutine", name, TASKS + task, start, length, defined=place, **more)


def _waits(trace: Mapping[str, Any]) -> Iterator[Event]:
    for start, end, task, kind, text, target, site in trace["waits"]:
        length = (trace["duration"] if end is None else end) - start
        place = None if site is None else _place(trace, site)
        name = f"waits: {text or kind}"
        yield _slice("wait", name, TASKS + task, start, length, kind=kind, task=target, at=place)


def _steps(trace: Mapping[str, Any]) -> Iterator[Event]:
    names = {task["id"]: task["name"] for task in trace["tasks"]}
    for start, length, task in trace["steps"]:
        yield _slice("step", names.get(task, f"Task {task}"), LOOP, start, length, task=task)


def _callbacks(trace: Mapping[str, Any]) -> Iterator[Event]:
    for start, length, text in trace["callbacks"]:
        yield _slice("callback", text, LOOP, start, length)


def _blocks(trace: Mapping[str, Any]) -> Iterator[Event]:
    for start, length, task, stack in trace["blocks"]:
        yield _slice("block", "held the loop", BLOCKS, start, length, task=task, stack=_stack(trace, stack))


def _wakes(trace: Mapping[str, Any]) -> Iterator[Event]:
    """Yield each wake-up's arrow, and before it the slice that it begins in, where no Task caused it.

    An arrow has to begin and to end within slices. A Task wakes who waits for it when its coroutine has ended already,
    and its first step begins before its coroutine does: then the arrow stands at the coroutine's nearer edge.
    """
    own = {row[2]: (row[0], row[1]) for row in trace["coroutines"] if row[3] == 0}
    steps: defaultdict[int, list[int]] = defaultdict(list)
    for start, _, task in sorted(trace["steps"]):
        steps[task].append(start)
    for number, (time, task, kind, cause, text) in enumerate(trace["wakes"], 1):
        followed = steps[task]
        position = bisect.bisect_left(followed, time)
        if position == len(followed) or task not in own:
            continue  # it was woken and did not run any more, or its coroutine was not kept
        begins = time
        if cause in own:
            source, begins = TASKS + cause, _within(own[cause], time)
        else:
            source = CAUSES.get(kind, OTHER_CAUSE)
            yield _slice("wake", text or kind, source, time, POINT, task=task)
        ends = max(begins, _within(own[task], followed[position]))
        arrow = {"cat": "wake", "name": text or kind, "pid": PROCESS, "id": number}
        yield {"ph": "s", **arrow, "tid": source, "ts": _microseconds(begins)}
        yield {"ph": "f", "bp": "e", **arrow, "tid": TASKS + task, "ts": _microseconds(ends)}


def _within(span: tuple[int, int | None], time: int) -> int:
    """Return the time of a span (start, end or None) that is nearest to ``time``; its end does not belong to it."""
    start, end = span
    return max(start, time if end is None else min(time, end - 1))


def _place(trace: Mapping[str, Any], site: int) -> str:
    file, line, function = trace["sites"][site]
    return f"{trace['files'][file]}:{line} {function}"


def _stack(trace: Mapping[str, Any], stack: int | None) -> Sequence[str] | None:
    return None if stack is None else [_place(trace, site) for site in trace["stacks"][stack]]
