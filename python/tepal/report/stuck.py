"""Tasks that nobody can wake any more."""

from __future__ import annotations

from collections.abc import Iterable

from tepal.report.finding import Finding
from tepal.report.waiting import Waiting


def find(waiting: Iterable[Waiting]) -> list[Finding]:
    """One finding for each line where Tasks wait for something that cannot come."""
    lines: dict[tuple[str, int, str, str], list[Waiting]] = {}
    for each in waiting:
        if each.verdict:
            lines.setdefault((each.file, each.line, each.function, each.verdict), []).append(each)
    found = []
    for (file, line, function, verdict), tasks in lines.items():
        names = ", ".join(each.name for each in tasks[:3])
        message = f"{names} waits for {tasks[0].text}: {verdict}"
        numbers = [each.task for each in tasks[:8]]
        cost = max(each.seen - each.since for each in tasks)
        found.append(Finding("stuck", message, file, line, function, len(tasks), cost, "", numbers))
    return found
