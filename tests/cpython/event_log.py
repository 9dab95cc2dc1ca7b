"""The file of events that passes from module_process.py to processes.py: one JSON object a line.

`selected` (ids, in order), `start` (id), `end` (id, outcome, detail, seconds, counted), `complete`. Outcomes: passed,
failed, skipped. `counted` is false for a passed test that never met a class under test.
"""

import json
from pathlib import Path
from typing import Any


def read(path: Path) -> list[dict[str, Any]]:
    """Returns the events so far; a line that was cut, because the process died while it wrote, is passed over."""
    events = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                events.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return events


def append(path: Path, event: dict[str, Any]) -> None:
    """Adds an event that a dead process could not write, on a line of its own."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{json.dumps(event)}\n")
