"""A report: findings, what is waited for, and the sums, for a person or for a program."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from tepal.report import at_once, blocking, dropped, places, sarif, stuck, sums, text
from tepal.report.finding import KINDS, Finding
from tepal.report.recording import LoopRecord, Recording
from tepal.report.waiting import Waiting


class Report:
    """What a recording says about the program.

    ``findings`` are those about the program's own lines, the dearest kinds first; ``library_findings`` are those about
    installed packages and Python itself; ``waiting`` is what unfinished Tasks waited for when their loop stopped;
    ``sums`` as in docs/report.md. All times are nanoseconds.
    """

    def __init__(self, recording: Recording | None, records: Iterable[LoopRecord]) -> None:
        records = list(records)
        self.recording = recording
        self.directory = recording.directory if recording else places.working_directory()
        self.sums: dict[str, Any] = sums.add_up(records)
        self.waiting: list[Waiting] = list(recording.waiting.values()) if recording else []
        found = _find(recording, records) if recording else []
        self.findings = [finding for finding in found if not places.is_library(finding.file)]
        self.library_findings = [finding for finding in found if places.is_library(finding.file)]

    def kinds(self) -> set[str]:
        """The kinds that were found."""
        return {finding.kind for finding in self.findings}

    def as_dict(self) -> dict[str, Any]:
        """The report as ``--json`` writes it."""
        recording = self.recording
        return {
            "format": "tepal-report",
            "version": 1,
            "python": platform.python_version(),
            "tepal": metadata.version("tepal"),
            "script": recording.script if recording else None,
            "arguments": recording.arguments if recording else [],
            "started": recording.started if recording else None,
            "duration": recording.duration() if recording else None,
            "findings": [finding.as_dict() for finding in self.findings],
            "library_findings": [finding.as_dict() for finding in self.library_findings],
            "waiting": [waiting.as_dict(recording.began) for waiting in self.waiting] if recording else [],
            "sums": self.sums,
        }

    def json(self) -> str:
        """The report as a JSON text."""
        return json.dumps(self.as_dict(), indent=1)

    def sarif(self) -> str:
        """The findings as SARIF 2.1.0, which code hosts show beside the lines."""
        return json.dumps(sarif.document(self.findings, self.directory), indent=1)

    def text(self, *, colour: bool = False, libraries: bool = False) -> str:
        """The report for a person; with ``libraries`` also what is not the program's."""
        return text.render(self, colour=colour, libraries=libraries)

    def __str__(self) -> str:
        return self.text()


def _find(recording: Recording, records: list[LoopRecord]) -> list[Finding]:
    found: list[Finding] = []
    sites: dict[tuple[Any, int], list[Any]] = {}
    for record in records:
        for code, instruction, tasks, made, count, cost, examples, lost, lost_examples in record.sites:
            site = sites.setdefault((record.codes[code][0], instruction), [0, None, 0, 0, [], 0, []])
            site[0] += tasks
            site[1] = record.codes[made][0]
            site[2] += count
            site[3] += cost
            site[4] += examples
            site[5] += lost
            site[6] += lost_examples
    told = [
        blocking.Told(
            record.blocks, record.block_stacks, record.block_later, record.texts, [code[0] for code in record.codes]
        )
        for record in records
    ]
    found += blocking.find(told, recording.collections)
    for (code, instruction), (_, made, count, cost, examples, lost, lost_examples) in sites.items():
        if count and (finding := at_once.find(code, instruction, count, cost, examples)):
            found.append(finding)
        if lost:
            found.append(dropped.find(code, instruction, made, lost, lost_examples))
    found += recording.never_awaited.findings()
    if recording.sequences is not None:
        found += recording.sequences.findings()
    found += stuck.find(recording.waiting.values())
    order = {name: number for number, name in enumerate(KINDS)}
    found = [finding for finding in found if finding.kind in recording.kinds]
    found.sort(
        key=lambda finding: (order[finding.kind], -(finding.cost or 0), -finding.count, finding.file, finding.line)
    )
    return found
