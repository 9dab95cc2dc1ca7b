"""A recording: from its beginning to its end, the loops of this process tell what they do.

The events themselves are kept by the native module (crates/python/src/loop_core/recorder/). What only Python can see is
kept here: coroutines that nobody awaited, the stack inside a step that blocks, and what the remaining Tasks wait for.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import os
import sys
import time
import weakref
from collections.abc import Iterable
from typing import Any

from tepal import _native
from tepal.report import observing, places, stuck
from tepal.report.activations import Activations
from tepal.report.blocking import Watchdog
from tepal.report.collector import Collections
from tepal.report.deadlines import guarded
from tepal.report.finding import DEFAULT_KINDS
from tepal.report.interrupting import Interruptions
from tepal.report.never_awaited import NeverAwaited
from tepal.report.sequential import Sequences
from tepal.report.waiting import Waiting, describe, look_at_waiting

COUNTERS, REPORT, TRACE = 1, 2, 3
"""The levels of the native module's recorder."""

THRESHOLD = 0.1
"""Seconds from which on a step blocks; asyncio's ``slow_callback_duration``."""

PATIENCE = 5.0
"""Seconds that a recording spends at most on finding out whether anybody can wake the Tasks that are left."""

EVENTS = 262_144
"""How many events a trace keeps; 32 bytes each."""


_CAUSES = {
    "thread": ("executor", "a job of an executor, or another thread"),
    "timer": ("timer", "a timer"),
    "descriptor": ("socket", "a socket"),
}
"""What a future stood for, by what completed it."""


@dataclasses.dataclass
class LoopRecord:
    """What one loop has told. Times are nanoseconds of the monotonic clock."""

    codes: list[Any] = dataclasses.field(default_factory=list)
    sites: list[Any] = dataclasses.field(default_factory=list)
    blocks: list[Any] = dataclasses.field(default_factory=list)
    stacks: list[Any] = dataclasses.field(default_factory=list)
    texts: list[str] = dataclasses.field(default_factory=list)
    events: list[Any] = dataclasses.field(default_factory=list)
    rows: list[Any] = dataclasses.field(default_factory=list)
    dropped: int = 0
    counters: tuple[int, ...] = (0,) * 11
    block_stacks: dict[int, list[tuple[str, int, str]]] = dataclasses.field(default_factory=dict)
    block_later: dict[int, list[tuple[str, int, str]]] = dataclasses.field(default_factory=dict)
    pending: list[Any] = dataclasses.field(default_factory=list)
    names: dict[int, str] = dataclasses.field(default_factory=dict)


class Recording:
    """What happens between ``begin()`` and ``end()``.

    ``level`` is ``REPORT`` or ``TRACE``; ``threshold`` the seconds from which on a step blocks; ``kinds`` the names of
    the findings that are wanted; ``events`` how many events a trace keeps.
    """

    def __init__(
        self,
        *,
        level: int = REPORT,
        threshold: float = THRESHOLD,
        kinds: Iterable[str] = DEFAULT_KINDS,
        events: int = EVENTS,
    ) -> None:
        self.level = level
        self.threshold = threshold
        self.kinds = frozenset(kinds)
        self.events = events
        self.started = time.time()
        self.began = time.monotonic_ns()
        self.ended: int | None = None
        self.script = sys.argv[0] if sys.argv else ""
        self.arguments = list(sys.argv[1:])
        self.waiting: dict[int, Waiting] = {}
        self.process = os.getpid()
        self.directory = places.working_directory()
        """Where the program was started: what its report shows is relative to this, wherever it goes."""
        self._records: list[LoopRecord] = []
        self._loops: dict[Any, Watchdog | None] = {}
        self._never_awaited = NeverAwaited()
        self._interruptions = Interruptions(self._interrupted)
        self.collections = Collections()
        self._sequences = Sequences() if "sequential" in self.kinds else None
        self.activations = Activations(events) if level >= TRACE else None
        self._details: dict[tuple[str, str, tuple[str, int, str] | None], int] = {("other", "", None): 0}
        self._patience = PATIENCE
        self._strangers: dict[Any, dict[int, Waiting]] = {}
        self._left: dict[int, weakref.ref[Any]] = {}
        self._stopped_in: dict[Any, tuple[int, int, Any]] = {}
        self._detail_list: list[tuple[str, str, tuple[str, int, str] | None]] = []

    def begin(self) -> None:
        """Have every loop that is made from now on tell.

        Raises RuntimeError if another recording runs.
        """
        if observing.current is not None:
            raise RuntimeError("a recording runs already")
        self.started, self.began = time.time(), time.monotonic_ns()
        observing.current = self
        self._interruptions.begin()
        if "never-awaited" in self.kinds:
            self._never_awaited.begin()
        if "blocking" in self.kinds:
            self.collections.begin()
        if self.activations is not None:
            self.activations.begin()

    def end(self) -> None:
        """Take what the loops have told; they tell no more."""
        if self.ended is not None:
            return
        if observing.current is self:
            observing.current = None
        if self.activations is not None:
            self.activations.end()
        for loop in list(self._loops):
            self.leave(loop)
        self._never_awaited.end()
        self._interruptions.end()
        self.collections.end()
        self.ended = time.monotonic_ns()

    def join(self, loop: Any) -> None:
        """A loop takes part."""
        if loop in self._loops:
            return
        threshold = int(self.threshold * 1e9)
        asks = self.activations is not None or self._sequences is not None
        waited = functools.partial(self._waited, loop) if asks else None
        loop._record(self.level, threshold, self.events, places.classify, waited)
        self._loops[loop] = None
        if "blocking" in self.kinds:
            self._loops[loop] = watchdog = Watchdog(loop, self.threshold)
            watchdog.start()

    def runs(self, loop: Any) -> None:
        """``run_forever()`` begins: coroutines that this thread makes remember where."""
        if loop in self._loops:
            self._never_awaited.enter_thread()

    def rested(self, loop: Any) -> None:
        """``run_forever()`` has ended: look at the Tasks that are left, before somebody cancels them."""
        self._never_awaited.leave_thread()
        if loop in self._loops and os.getpid() == self.process:
            self.look_at(loop)

    def _interrupted(self, main_task: Any) -> None:
        """Ctrl-C was pressed: look at the Tasks before the main one is cancelled, which others may follow."""
        loop = main_task.get_loop()
        if loop in self._loops and os.getpid() == self.process:
            self._look_before_the_end(loop, _native.note_of(main_task))

    def terminated(self) -> None:
        """The process is about to be killed: look at the Tasks of all loops that run."""
        for loop in self.loops:
            if loop.is_running():
                self._stopped_in[loop] = (loop._running_step(), time.monotonic_ns(), asyncio.current_task(loop))
                main_task = next(filter(_ends_its_run, asyncio.all_tasks(loop)), None)
                self._look_before_the_end(loop, 0 if main_task is None else _native.note_of(main_task))

    def _look_before_the_end(self, loop: Any, main_task: int) -> None:
        for each in self.look_at(loop):
            if each.task == main_task and each.verdict == stuck.ORPHANED:
                # `await Event().wait()` in the main Task runs until then on purpose.
                each.verdict = ""
            if each.verdict:
                # Only the cancellation can end it, also if it is collected before anybody can see that.
                self._left.pop(each.task, None)

    def look_at(self, loop: Any) -> list[Waiting]:
        """What the unfinished Tasks of ``loop`` wait for right now."""
        self._forget_those_that_went_on()
        found, tasks, awaited = look_at_waiting(loop)
        self._left.update((each.task, weakref.ref(task)) for each, task in zip(found, tasks, strict=True))
        if "stuck" in self.kinds and self._patience > 0:
            started = time.monotonic()
            stuck.judge(found, tasks, awaited, self._patience, guarded(loop, tasks))
            self._patience -= time.monotonic() - started
        self.waiting.update((each.task, each) for each in found)
        strangers = {each.task: each for each in found if places.is_library(each.file)}
        self._strangers.setdefault(loop, {}).update(strangers)
        return found

    def _forget_those_that_went_on(self) -> None:
        """The loop has run again: a Task that was left and has ended by itself since then was not waiting in vain.

        One that was cancelled meanwhile stays: ``asyncio.run()`` cancels what the program has left.
        """
        for number, reference in list(self._left.items()):
            task = reference()
            if task is not None and not task.done():
                continue
            del self._left[number]
            if task is None or not task.cancelled():
                self.waiting.pop(number, None)

    def leave(self, loop: Any) -> None:
        """A loop takes part no longer."""
        if loop not in self._loops:
            return
        record = self.record_of(loop)
        watchdog = self._loops.pop(loop)
        loop._record(COUNTERS, 0, 0, None, None)
        if watchdog is not None:
            watchdog.stop()
        self._records.append(record)

    def record_of(self, loop: Any) -> LoopRecord:
        """What ``loop`` has told so far."""
        record = LoopRecord(counters=loop._counters())
        pending = loop._noted_tasks()
        record.pending = [row for _, row, _, _, _ in pending]
        recorded = loop._recorded()
        if recorded is not None:
            (
                record.codes,
                record.sites,
                record.blocks,
                record.stacks,
                record.texts,
                record.events,
                record.rows,
                record.dropped,
            ) = recorded
            for each in self._strangers.pop(loop, {}).values():
                _place_where_made(each, record)
        watchdog = self._loops.get(loop)
        if watchdog is not None:
            record.block_stacks, record.block_later = dict(watchdog.stacks), dict(watchdog.later)
        if loop in self._stopped_in:
            _add_unfinished_block(record, *self._stopped_in[loop])
        return record

    def records(self, loop: Any = None) -> list[LoopRecord]:
        """What all loops have told so far, or one of them."""
        if loop is not None:
            return [self.record_of(loop)]
        return [*self._records, *(self.record_of(loop) for loop in self._loops)]

    def _waited(self, loop: Any, task: Any, start: int, end: int, cause: str) -> int:
        """A Task goes on, woken by ``cause``: the number of what it has waited for."""
        kind, text, _, frame = describe(task, loop)
        if kind == "future" and cause in _CAUSES:
            kind, text = _CAUSES[cause]
        if self._sequences is not None:
            self._sequences.waited(task, start, end)
        if self.activations is None:
            return 0
        place = None if frame is None else places.place_of_frame(frame)
        return self._details.setdefault((kind, text, place), len(self._details))

    def detail(self, number: int) -> tuple[str, str, tuple[str, int, str] | None]:
        """Kind, text and line of what a Task has waited for."""
        if len(self._detail_list) != len(self._details):
            self._detail_list = list(self._details)
        return self._detail_list[number]

    def duration(self) -> int:
        """Nanoseconds from the beginning to the end, or to now."""
        return (self.ended or time.monotonic_ns()) - self.began

    @property
    def sequences(self) -> Sequences | None:
        """Awaits that follow each other, if they were asked for."""
        return self._sequences

    @property
    def loops(self) -> list[Any]:
        """The loops that take part."""
        return list(self._loops)

    @property
    def never_awaited(self) -> NeverAwaited:
        """The coroutines that nobody awaited."""
        return self._never_awaited


def _add_unfinished_block(record: LoopRecord, start: int, now: int, task: Any) -> None:
    """The step that the end of the process finds running, if the watchdog has seen it block."""
    stack = record.block_stacks.get(start)
    if not stack:
        return
    record.texts = [*record.texts, stack[-1][2] if task is None else task.get_name()]
    number = 0 if task is None else _native.note_of(task)
    record.blocks = [*record.blocks, (start, now - start, number, 0, len(record.texts) - 1)]


def _ends_its_run(task: Any) -> bool:
    """Whether a Task is that of ``run_until_complete()``."""
    return any(getattr(each, "__name__", "") == "_run_until_complete_cb" for each, _ in task._callbacks or ())


def _place_where_made(waiting: Waiting, record: LoopRecord) -> None:
    """Name the program's line that made a Task of which no line is the program's: ``create_task(queue.get())``."""
    if not 0 <= waiting.site < len(record.sites):
        return
    code, instruction, *_ = record.sites[waiting.site]
    place = places.place_of(record.codes[code][0], instruction)
    if not places.is_library(place[0]):
        waiting.file, waiting.line, waiting.function = place
