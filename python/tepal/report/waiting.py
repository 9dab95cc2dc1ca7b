"""What unfinished Tasks wait for, and since when."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import itertools
import time
import types
from typing import Any

from tepal import _native
from tepal.report import cleanup, places, waited_for

_DEPTH = 100

SWALLOWED = "was cancelled, swallowed the CancelledError and goes on"
"""The verdict on a Task that somebody may wake, and that ought to have ended."""


@dataclasses.dataclass
class Waiting:
    """One Task that is not finished."""

    task: int
    name: str
    coroutine: str
    kind: str
    """``task future timer socket lock queue event executor other``, or ``ready`` if it waits for nothing."""
    text: str
    since: int
    """Nanoseconds of the monotonic clock."""
    seen: int
    target: int | None = None
    file: str = ""
    line: int = 0
    function: str = ""
    verdict: str = ""
    """Why nobody will wake it, or `SWALLOWED`; empty if all is well."""
    site: int = -1
    """The recorder's number of the line that made the Task; -1 if there is none."""

    def as_dict(self, began: int) -> dict[str, Any]:
        """As JSON has it, with times since the recording began."""
        place = {"file": self.file, "line": self.line, "function": self.function}
        return {
            "task": self.task,
            "name": self.name,
            "coroutine": self.coroutine,
            "kind": self.kind,
            "text": self.text,
            "since": max(self.since - began, 0),
            "waited": self.seen - self.since,
            "target": self.target,
            **place,
            "verdict": self.verdict,
        }


def chain_of(coroutine: Any) -> list[Any]:
    """A coroutine, what it awaits, what that awaits ...; the last one is what is waited for."""
    chain: list[Any] = []
    while coroutine is not None and len(chain) < _DEPTH:
        chain.append(coroutine)
        for name in ("cr_await", "gi_yieldfrom", "ag_await", "_waits_for"):
            following = getattr(coroutine, name, None)
            if following is not None:
                break
        coroutine = following or _generator_behind(coroutine)
    return chain


def _generator_behind(link: Any) -> Any:
    """The asynchronous generator whose next value is awaited; what `__anext__()` gives has no name for it."""
    if type(link).__name__ not in {"async_generator_asend", "async_generator_athrow"}:
        return None
    return next((each for each in gc.get_referents(link) if isinstance(each, types.AsyncGeneratorType)), None)


def _frame(link: Any) -> Any:
    for name in ("cr_frame", "gi_frame", "ag_frame"):
        frame = getattr(link, name, None)
        if frame is not None:
            return frame
    return None


def frames_of(coroutine: Any) -> list[Any]:
    """The frames of a suspended coroutine, the outermost first."""
    return [frame for frame in map(_frame, chain_of(coroutine)) if frame is not None]


def program_frame(frames: list[Any]) -> Any:
    """The innermost frame that is the program's; else a library's; else any."""
    for is_other in (places.is_library, places.is_machinery):
        for frame in reversed(frames):
            if not is_other(frame.f_code.co_filename):
                return frame
    return frames[-1] if frames else None


def describe(task: Any, loop: Any) -> tuple[str, str, Any, Any]:
    """Kind and text of what a suspended Task waits for, the awaited object, and the program's frame that waits."""
    chain = chain_of(task.get_coro())
    frames = [frame for frame in map(_frame, chain) if frame is not None]
    awaited = task._fut_waiter
    frame = program_frame(frames)
    if awaited is None:
        return "ready", "its turn", None, frame
    own = itertools.takewhile(lambda inner: places.is_machinery(inner.f_code.co_filename), reversed(frames))
    # The outermost one says most: a Barrier waits by a Condition, `queue.join()` by an Event.
    for inner in reversed(list(own)):
        found = waited_for.by_frame(inner)
        if found is not None:
            return *found, awaited, frame
    last = next((link for link in reversed(chain) if link is not awaited and _frame(link) is None), awaited)
    return *waited_for.by_awaited(awaited, last, loop), awaited, frame


def look_at_waiting(loop: Any) -> tuple[list[Waiting], list[Any], list[Any]]:
    """What each unfinished Task of ``loop`` waits for; the Tasks; and what they wait for, in the same order."""
    now = time.monotonic_ns()
    running = asyncio.current_task(loop)
    found: list[Waiting] = []
    tasks: list[Any] = []
    awaited: list[Any] = []
    for task, row, site, since, ready in loop._noted_tasks():
        kind, text, future, frame = describe(task, loop)
        began = since or ready or now
        if task is running:
            text, began = "nothing: it runs", loop._running_step() or now
        name = places.name_of_coroutine(task.get_coro())
        waiting = Waiting(row[0], task.get_name(), name, kind, text, began, now, site=site)
        if frame is not None:
            waiting.file, waiting.line, waiting.function = places.place_of_frame(frame)
        if future is not None:
            waiting.target = _native.note_of(future) or None
        if _went_on(task, frames_of(task.get_coro())):
            waiting.verdict = SWALLOWED
        found.append(waiting)
        tasks.append(task)
        awaited.append(future)
    return found, tasks, awaited


def _went_on(task: Any, frames: list[Any]) -> bool:
    """Whether a Task was cancelled and waits again, not in order to clean up."""
    if not task.cancelling() or task._must_cancel or task._fut_waiter is None or task._fut_waiter.done():
        return False
    return not any(cleanup.is_cleaning_up(frame.f_code, frame.f_lineno) for frame in frames)
