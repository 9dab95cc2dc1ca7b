"""Steps and callbacks that hold the loop for too long, with the stack inside.

How long each took is measured by the loop. The stack is taken by a thread that sleeps in native code, without the GIL,
until a step has run for the threshold; while the loop waits in the kernel, that thread is not woken at all.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

from tepal.report import places
from tepal.report.collector import Collections
from tepal.report.finding import Finding, duration, task_called

_DEPTH = 64
_OURS = os.path.join(os.path.dirname(__file__), "")


class _Time(NamedTuple):
    taken: int
    task: int
    text: str
    stack: list[tuple[str, int, str]]
    collector: int


class Told(NamedTuple):
    """What one loop has told."""

    blocks: Iterable[tuple[int, int, int, int, int]]
    stacks: dict[int, list[tuple[str, int, str]]]
    texts: list[str]
    codes: list[Any]
    """The coroutines of the Tasks."""


class Watchdog:
    """Takes the stack inside each step that blocks."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self.stacks: dict[int, list[tuple[str, int, str]]] = {}
        """By the time at which the step began: file, line and function of each frame, the innermost first."""
        self._thread = threading.Thread(target=self._watch, name="tepal watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until the thread has ended; the loop's recording must have ended before."""
        self._thread.join(timeout=5)

    def _watch(self) -> None:
        began = 0
        while (told := self._loop._wait_for_block(began)) is not None:
            began = told
            thread = self._loop._thread_id
            frame = sys._current_frames().get(thread) if thread is not None else None
            stack = _stack(frame)
            # The loop went on meanwhile if native code held the GIL: then this is the stack of another step.
            if self._loop._running_step() == began:
                self.stacks[began] = stack


def _stack(frame: Any) -> list[tuple[str, int, str]]:
    stack: list[tuple[str, int, str]] = []
    while frame is not None and len(stack) < _DEPTH:
        code = frame.f_code
        if places.classify(code) == places.BOTTOM:
            break
        if not code.co_filename.startswith(_OURS):
            stack.append((code.co_filename, frame.f_lineno or 0, code.co_qualname))
        frame = frame.f_back
    return stack


def find(loops: Iterable[Told], collections: Collections) -> list[Finding]:
    """One finding for each line that blocked, in whatever loop."""
    lines: dict[tuple[str, int, str], list[_Time]] = {}
    for loop in loops:
        for start, taken, task, code, text in loop.blocks:
            stack = loop.stacks.get(start, [])
            place = next((place for place in stack if not places.is_library(place[0])), None)
            if place is None and task:
                place = places.place_of(loop.codes[code])
            if place is None:
                place = stack[0] if stack else ("", 0, loop.texts[text])
            time = _Time(taken, task, loop.texts[text], stack, collections.within(start, taken))
            lines.setdefault(place, []).append(time)
    return [_finding(place, times) for place, times in lines.items()]


def _finding(place: tuple[str, int, str], times: list[_Time]) -> Finding:
    longest = max(times, key=lambda time: time.taken)
    who = task_called(longest.text) if longest.task else f"the callback {longest.text}"
    often = ("", ", and once more")[len(times) - 1] if len(times) < 3 else f", and {len(times) - 1} times more"
    message = f"{who} held the loop for {duration(longest.taken)}{often}"
    if not longest.stack:
        message += " (no stack: native code did not give the interpreter away)"
    elif place != longest.stack[0]:
        message += f", in {longest.stack[0][2]}"
    advice = "use the asynchronous call, or await asyncio.to_thread(...)"
    if longest.collector > longest.taken // 2:
        message += f"; the garbage collector took {duration(longest.collector)} of it"
        advice = "the line may only have met it: see gc.freeze(), and where the many objects come from"
    return Finding(
        "blocking",
        message,
        *place,
        count=len(times),
        cost=sum(time.taken for time in times),
        advice=advice,
        tasks=sorted({time.task for time in times if time.task})[:8],
        related=longest.stack,
    )
