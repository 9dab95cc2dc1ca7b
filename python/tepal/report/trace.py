"""A recording as one dict that JSON can hold: what the picture and the trace files are drawn from.

All times in it are integers, nanoseconds since the recording began. Task numbers begin at 1.
"""

from __future__ import annotations

import linecache
import platform
from importlib import metadata
from typing import Any

from tepal.report import places
from tepal.report.recording import LoopRecord, Recording
from tepal.report.result import Report

_STEP, _CALLBACK, _WAIT, _WAKE = range(4)


class _Maker:
    """Numbers files, lines, stacks and coroutine functions as they come."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.files: dict[str, int] = {}
        self.sites: dict[tuple[int, int, str], int] = {}
        self.stacks: dict[tuple[int, ...], int] = {}
        self.codes: dict[Any, int] = {}
        self.tasks: list[dict[str, Any]] = []
        self.events: dict[str, list[list[Any]]] = {
            name: [] for name in ("steps", "coroutines", "waits", "wakes", "callbacks", "blocks")
        }

    def file(self, name: str) -> int:
        return self.files.setdefault(name, len(self.files))

    def site(self, file: str, line: int, function: str) -> int:
        return self.sites.setdefault((self.file(file), line, function), len(self.sites))

    def stack(self, sites: list[int]) -> int:
        return self.stacks.setdefault(tuple(sites), len(self.stacks))

    def code(self, code: Any) -> int:
        return self.codes.setdefault(code, len(self.codes))

    def time(self, clock: int) -> int:
        return max(clock - self.recording.began, 0)

    def add(self, record: LoopRecord) -> None:
        """Add what one loop has told."""
        sites = [self.site(*places.place_of(record.codes[site[0]][0], site[1])) for site in record.sites]
        stacks = [self.stack([sites[site] for site in stack]) for stack in record.stacks]
        for row in [*record.rows, *record.pending]:
            number, name, code, created, stack, parent, ended, outcome, error = row
            self.tasks.append(
                {
                    "id": number,
                    "name": str(name),
                    "code": self.code(record.codes[code][0]),
                    "created": self.time(created),
                    "stack": stacks[stack] if stacks else None,
                    "parent": parent or None,
                    "ended": self.time(ended) if ended else None,
                    "outcome": outcome,
                    "error": error,
                }
            )
        for kind, *fields in record.events:
            self._add_event(kind, fields, record)
        for start, taken, task, _, _ in record.blocks:
            stack = self.stack([self.site(*place) for place in record.block_stacks.get(start, ())])
            self.events["blocks"].append([self.time(start), taken, task or None, stack])

    def _add_event(self, kind: int, fields: list[Any], record: LoopRecord) -> None:
        if kind == _STEP:
            start, taken, task, *_ = fields
            self.events["steps"].append([self.time(start), taken, task])
        elif kind == _CALLBACK:
            start, taken, text, *_ = fields
            self.events["callbacks"].append([self.time(start), taken, record.texts[text]])
        elif kind == _WAKE:
            time, task, cause, word = fields
            word = word if word != "task" or cause else "callback"
            self.events["wakes"].append([self.time(time), task, word, cause or None, ""])
        else:
            start, end, task, target, detail = fields
            word, text, place = self.recording.detail(detail)
            site = self.site(*place) if place else None
            wait = [self.time(start), self.time(end), task, word, text, target or None, site]
            self.events["waits"].append(wait)

    def add_activations(self) -> int:
        """Add the nested coroutines; return how many were not kept."""
        activations = self.recording.activations
        if activations is None:
            return 0
        for start, end, task, depth, code in activations.ended:
            bar = [self.time(start), self.time(end), task, depth, self.code(code)]
            self.events["coroutines"].append(bar)
        return activations.dropped


def trace_of(source: Any) -> dict[str, Any]:
    """The trace of a recording, or of a loop that takes part in one.

    Raises ValueError for a loop that takes part in none, and for a recording that was not made for a picture
    (``level=TRACE``).
    """
    recording = source if isinstance(source, Recording) else getattr(source, "_recording", None)
    if not isinstance(recording, Recording) or recording.activations is None:
        raise ValueError("there is no recording of events: make one with Recording(level=TRACE)")
    records = recording.records(None if source is recording else source)
    maker = _Maker(recording)
    for record in records:
        maker.add(record)
    dropped = sum(record.dropped for record in records) + maker.add_activations()
    report = Report(recording, records)
    codes = [places.place_of(code) for code in maker.codes]
    code_rows = [[function, maker.file(file), line] for file, line, function in codes]
    for event in maker.events.values():
        event.sort(key=lambda row: row[0])
    maker.tasks.sort(key=lambda task: task["id"])
    trace: dict[str, Any] = {
        "format": "tepal-trace",
        "version": 1,
        "python": platform.python_version(),
        "tepal": metadata.version("tepal"),
        "script": recording.script,
        "arguments": recording.arguments,
        "started": recording.started,
        "duration": recording.duration(),
        "dropped": dropped,
        "files": list(maker.files),
        "sources": _sources(maker.files),
        "sites": [list(site) for site in maker.sites],
        "stacks": [list(stack) for stack in maker.stacks],
        "code": code_rows,
        "tasks": maker.tasks,
        **maker.events,
        "findings": [finding.as_dict() for finding in report.findings],
        "waiting": [waiting.as_dict(recording.began) for waiting in report.waiting],
        "sums": report.sums,
    }
    return trace


def _sources(files: dict[str, int]) -> dict[str, str]:
    """The text of the program's own files, by their number."""
    own = {name: number for name, number in files.items() if name and not places.is_library(name)}
    texts = {str(number): "".join(linecache.getlines(name)) for name, number in own.items()}
    return {number: text for number, text in texts.items() if text}
