"""The sums of a run: what the loops did with their time, and what each coroutine function took of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tepal.report import places
from tepal.report.recording import LoopRecord


def add_up(records: Iterable[LoopRecord]) -> dict[str, Any]:
    """The sums of all loops. Times in nanoseconds."""
    keys = ("turns", "entries", "tasks", "waits", "idle", "ran", "longest_queue", "steps", "callbacks", "longest_delay")
    sums: dict[str, Any] = dict.fromkeys(keys, 0)
    coroutines: dict[tuple[str, str, int], dict[str, Any]] = {}
    delayed = ""
    loops = 0
    for record in records:
        loops += 1
        *values, delayed_code = record.counters
        for key, value in zip(keys, values, strict=True):
            if not key.startswith("longest"):
                sums[key] += value
            elif value > sums[key]:
                sums[key] = value
                if key == "longest_delay" and record.codes:
                    delayed = places.name_of(record.codes[delayed_code][0])
        for code, tasks, steps, busy, longest_step, longest_delay in record.codes:
            if tasks or steps:
                file, line, name = places.place_of(code)
                row = coroutines.setdefault((name, file, line), dict.fromkeys(_COLUMNS, 0))
                row["tasks"] += tasks
                row["steps"] += steps
                row["busy"] += busy
                row["longest_step"] = max(row["longest_step"], longest_step)
                row["longest_delay"] = max(row["longest_delay"], longest_delay)
    busy = max(sums["ran"] - sums["idle"], 0)
    rows = [{"coroutine": name, "file": file, "line": line, **row} for (name, file, line), row in coroutines.items()]
    rows.sort(key=lambda row: -row["busy"])
    return {
        **sums,
        "loops": loops,
        "busy": busy,
        "utilisation": busy / sums["ran"] if sums["ran"] else 0.0,
        "longest_delay_coroutine": delayed,
        "coroutines": rows,
    }


_COLUMNS = ("tasks", "steps", "busy", "longest_step", "longest_delay")
