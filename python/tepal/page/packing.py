"""A trace in columns: what is embedded into the page, a fifth of the trace's own JSON after compression.

Rows become one list per column. Times that grow from row to row are kept as differences, texts as indices of one list,
and of the sources only the lines around places that the trace mentions.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["FORMAT", "VERSION", "pack"]

FORMAT = "tepal-trace"
VERSION = 1

OPEN = -1
"""Stands for the length of what had not ended when the recording did, and for an index of nothing."""

LINES_AROUND = 2
"""Source lines shown before and after the line of a place."""

LONGEST_LINE = 300
"""Characters of a source line that are kept."""

HEAD = ("python", "tepal", "script", "arguments", "started", "duration", "dropped")


def pack(trace: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``trace`` in columns, as page/trace.js reads it.

    Raises ``ValueError`` if its format or version is another.
    """
    if trace.get("format") != FORMAT or trace.get("version") != VERSION:
        raise ValueError(
            f"this is no {FORMAT} of version {VERSION}: {trace.get('format')!r}, version {trace.get('version')!r}"
        )
    texts = Texts()
    return {
        **{name: trace.get(name) for name in HEAD},
        "files": [shown(name) for name in trace["files"]],
        "sites": trace["sites"],
        "stacks": trace["stacks"],
        "code": trace["code"],
        "excerpts": _excerpts(trace),
        "tasks": _tasks(trace["tasks"], texts),
        "steps": _steps(trace["steps"]),
        "coroutines": _coroutines(trace["coroutines"]),
        "waits": _waits(trace["waits"], texts),
        "wakes": _wakes(trace["wakes"], texts),
        "callbacks": _callbacks(trace["callbacks"], texts),
        "blocks": _blocks(trace["blocks"]),
        "findings": [{**found, "file": shown(found["file"])} for found in trace["findings"]],
        "sums": trace["sums"],
        "texts": texts.all,
    }


def shown(file: str) -> str:
    """Return a path as the page shows it: from here, if it lies below the working directory."""
    try:
        here = os.path.join(os.getcwd(), "")
    except OSError:  # the program has removed it
        return file
    return file.removeprefix(here)


class Texts:
    """Every text once, in the order of their first use."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._index: dict[str, int] = {}

    def index(self, text: str | None) -> int:
        """Return the index of ``text``, ``OPEN`` for ``None``."""
        if text is None:
            return OPEN
        found = self._index.get(text)
        if found is None:
            found = self._index[text] = len(self.all)
            self.all.append(text)
        return found


def _differences(times: Iterable[int]) -> list[int]:
    before, result = 0, []
    for time in times:
        result.append(time - before)
        before = time
    return result


def _lengths(rows: Iterable[Sequence[Any]]) -> list[int]:
    """Return end minus start of rows that begin with both."""
    return [OPEN if row[1] is None else row[1] - row[0] for row in rows]


def _or_open(values: Iterable[int | None]) -> list[int]:
    return [OPEN if value is None else value for value in values]


def _tasks(tasks: Iterable[Mapping[str, Any]], texts: Texts) -> dict[str, list[int]]:
    rows = sorted(tasks, key=lambda task: (task["created"], task["id"]))
    return {
        "id": [task["id"] for task in rows],
        "name": [texts.index(task["name"]) for task in rows],
        "code": _or_open(task["code"] for task in rows),
        "created": _differences(task["created"] for task in rows),
        "ended": _lengths((task["created"], task["ended"]) for task in rows),
        "stack": _or_open(task["stack"] for task in rows),
        "parent": _or_open(task["parent"] for task in rows),
        "outcome": [texts.index(task["outcome"]) for task in rows],
        "error": [texts.index(task["error"]) for task in rows],
    }


def _steps(steps: Iterable[Sequence[int]]) -> dict[str, list[int]]:
    rows = sorted(steps, key=lambda row: row[0])
    return {
        "start": _differences(row[0] for row in rows),
        "length": [row[1] for row in rows],
        "task": [row[2] for row in rows],
    }


def _coroutines(coroutines: Iterable[Sequence[Any]]) -> dict[str, list[int]]:
    rows = sorted(coroutines, key=lambda row: (row[0], row[3]))
    return {
        "start": _differences(row[0] for row in rows),
        "length": _lengths(rows),
        "task": [row[2] for row in rows],
        "depth": [row[3] for row in rows],
        "code": _or_open(row[4] for row in rows),
    }


def _waits(waits: Iterable[Sequence[Any]], texts: Texts) -> dict[str, list[int]]:
    rows = sorted(waits, key=lambda row: row[0])
    return {
        "start": _differences(row[0] for row in rows),
        "length": _lengths(rows),
        "task": [row[2] for row in rows],
        "kind": [texts.index(row[3]) for row in rows],
        "text": [texts.index(row[4]) for row in rows],
        "target": _or_open(row[5] for row in rows),
        "site": _or_open(row[6] for row in rows),
    }


def _wakes(wakes: Iterable[Sequence[Any]], texts: Texts) -> dict[str, list[int]]:
    rows = sorted(wakes, key=lambda row: row[0])
    return {
        "time": _differences(row[0] for row in rows),
        "task": [row[1] for row in rows],
        "kind": [texts.index(row[2]) for row in rows],
        "cause": _or_open(row[3] for row in rows),
        "text": [texts.index(row[4]) for row in rows],
    }


def _callbacks(callbacks: Iterable[Sequence[Any]], texts: Texts) -> dict[str, list[int]]:
    rows = sorted(callbacks, key=lambda row: row[0])
    return {
        "start": _differences(row[0] for row in rows),
        "length": [row[1] for row in rows],
        "text": [texts.index(row[2]) for row in rows],
    }


def _blocks(blocks: Iterable[Sequence[Any]]) -> dict[str, list[int]]:
    rows = sorted(blocks, key=lambda row: row[0])
    return {
        "start": _differences(row[0] for row in rows),
        "length": [row[1] for row in rows],
        "task": _or_open(row[2] for row in rows),
        "stack": _or_open(row[3] for row in rows),
    }


def _excerpts(trace: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the source lines that the page may show: file index to line number to text.

    Of files whose text the trace has, the lines around each place; of others the line itself, where it can be read.
    """
    files: Sequence[str] = trace["files"]
    sources = {int(index): text.splitlines() for index, text in (trace.get("sources") or {}).items()}
    places = {(site[0], site[1]) for site in trace["sites"]} | {(code[1], code[2]) for code in trace["code"]}
    indices = {name: index for index, name in enumerate(files)}
    places |= {(indices[found["file"]], found["line"]) for found in trace["findings"] if found["file"] in indices}
    excerpts: dict[str, dict[str, str]] = {}
    for file, line in sorted((file, line) for file, line in places if file is not None and line):
        shown = excerpts.setdefault(str(file), {})
        source = sources.get(file)
        if source is None:
            text = linecache.getline(files[file], line).rstrip("\r\n")
            if text:
                shown[str(line)] = text[:LONGEST_LINE]
            continue
        for number in range(max(1, line - LINES_AROUND), min(len(source), line + LINES_AROUND) + 1):
            shown[str(number)] = source[number - 1][:LONGEST_LINE]
    return {file: lines for file, lines in excerpts.items() if lines}
