"""Steps and callbacks that hold the loop for too long, with the stack inside.

How long each took is measured by the loop. The stack is taken by a thread that sleeps in native code, without the GIL,
until a step has run for the threshold; while the loop waits in the kernel, that thread is not woken at all. While the
step goes on, the thread looks again: another line in which the step then stays as long is named, too.
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
_LOOKS = 4
"""How often the thread looks within the threshold once a step blocks; a line seen so often in a row has blocked."""

_MOST_LOOKS = 400
"""At how many moments of one step."""

_Place = tuple[str, int, str]
_OURS = os.path.join(os.path.dirname(__file__), "")


class _Time(NamedTuple):
    taken: int
    task: int
    text: str
    stack: list[_Place]
    later: list[_Place]
    collector: int


class Told(NamedTuple):
    """What one loop has told."""

    blocks: Iterable[tuple[int, int, int, int, int]]
    stacks: dict[int, list[_Place]]
    later: dict[int, list[_Place]]
    texts: list[str]
    codes: list[Any]
    """The coroutines of the Tasks."""


class Watchdog:
    """Takes the stack inside each step that blocks."""

    def __init__(self, loop: Any, threshold: float) -> None:
        self._loop = loop
        self._interval = threshold / _LOOKS
        self._stopped = threading.Event()
        self.stacks: dict[int, list[_Place]] = {}
        """By the time at which the step began: file, line and function of each frame, the innermost first."""
        self.later: dict[int, list[_Place]] = {}
        """By the same time: further lines in which the step stayed for about the threshold."""
        self._thread = threading.Thread(target=self._watch, name="tepal watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until the thread has ended; the loop's recording must have ended before."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def _watch(self) -> None:
        began = 0
        while (told := self._loop._wait_for_block(began)) is not None:
            began = told
            stack = self._look(began)
            if stack is not None:
                self.stacks[began] = stack
                self._look_again(began, _place(stack))

    def _look(self, began: int) -> list[_Place] | None:
        """The stack inside the step that began then; ``None`` if that step has ended."""
        thread = self._loop._thread_id
        frame = sys._current_frames().get(thread) if thread is not None else None
        stack = _stack(frame)
        # The loop went on meanwhile if native code held the GIL: then this is the stack of another step.
        return stack if self._loop._running_step() == began else None

    def _look_again(self, began: int, first: _Place | None) -> None:
        seen, times = first, 1
        for _ in range(_MOST_LOOKS):
            if self._stopped.wait(self._interval) or (stack := self._look(began)) is None:
                return
            place = _place(stack)
            seen, times = place, times + 1 if place == seen else 1
            known = self.later.setdefault(began, [])
            if times == _LOOKS and place is not None and place != first and place not in known:
                known.append(place)


def _place(stack: list[_Place]) -> _Place | None:
    """The innermost line of the program."""
    return next((place for place in stack if not places.is_library(place[0])), None)


def _stack(frame: Any) -> list[_Place]:
    stack: list[_Place] = []
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
    lines: dict[_Place, list[_Time]] = {}
    for loop in loops:
        for start, taken, task, code, text in loop.blocks:
            stack = loop.stacks.get(start, [])
            place = _place(stack)
            if place is None and task:
                place = places.place_of(loop.codes[code])
            if place is None:
                place = stack[0] if stack else ("", 0, loop.texts[text])
            later = loop.later.get(start, [])
            time = _Time(taken, task, loop.texts[text], stack, later, collections.within(start, taken))
            lines.setdefault(place, []).append(time)
    return [_finding(place, times) for place, times in lines.items()]


def _finding(place: _Place, times: list[_Time]) -> Finding:
    longest = max(times, key=lambda time: time.taken)
    who = task_called(longest.text) if longest.task else f"the callback {longest.text}"
    often = ("", ", and once more")[len(times) - 1] if len(times) < 3 else f", and {len(times) - 1} times more"
    message = f"{who} held the loop for {duration(longest.taken)}{often}"
    if not longest.stack:
        message += " (no stack: native code did not give the interpreter away)"
    elif place != longest.stack[0]:
        message += f", in {longest.stack[0][2]}"
    later = [*dict.fromkeys(each for time in times for each in time.later if each != place)]
    if later:
        message += "; one more line of it blocks" if len(later) == 1 else f"; {len(later)} more lines of it block"
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
        related=[*((*each[:2], f"{each[2]}, later in that step") for each in later), *longest.stack],
    )
