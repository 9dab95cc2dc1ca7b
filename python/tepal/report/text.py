"""A report for a person: colour in a terminal, plain text in a pipe."""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tepal.report.finding import KINDS, Finding, duration

if TYPE_CHECKING:
    from tepal.report.result import Report
    from tepal.report.waiting import Waiting

_WIDTH = 16
"""How many coroutines, waiting Tasks and frames are shown at most."""

_AT_THE_END = {"BaseEventLoop.shutdown_asyncgens", "BaseEventLoop.shutdown_default_executor"}
"""What ``asyncio.run()`` makes in every program, of which nobody wants to know."""

_COLOURS = {"warning": "33", "note": "36", "title": "1", "place": "35", "quiet": "2", "advice": "32"}


class _Paint:
    def __init__(self, colour: bool, directory: str) -> None:
        self._colour = colour
        self._directory = directory

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if self._colour and text else text

    def shown(self, file: str) -> str:
        """The name of a file: the short one, if the program was started at or above it."""
        if not (os.path.isabs(file) and self._directory):
            return file
        relative = os.path.relpath(file, self._directory)
        return file if relative.startswith("..") else relative


def one_line(text: str) -> str:
    """A name from the program as one line that moves no cursor and colours nothing."""
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _finding(finding: Finding, paint: _Paint) -> list[str]:
    place = f"{paint.shown(finding.file)}:{finding.line}" if finding.file else "(no line of the program)"
    lines = [f"  {paint('place', one_line(place))} in {one_line(finding.function)}", f"    {one_line(finding.message)}"]
    source = one_line(linecache.getline(finding.file, finding.line).strip().expandtabs())
    if source:
        lines.append(f"      {paint('quiet', '|')} {source}")
    for file, line, text in finding.related[:_WIDTH]:
        lines.append(paint("quiet", one_line(f"      {paint.shown(file)}:{line} {text}")))
    if finding.advice:
        lines.append(f"    {paint('advice', one_line(finding.advice))}")
    return lines


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _findings(findings: list[Finding], paint: _Paint) -> Iterable[str]:
    for kind in KINDS.values():
        of_kind = [finding for finding in findings if finding.kind == kind.name]
        if not of_kind:
            continue
        count = sum(finding.count for finding in of_kind)
        yield ""
        yield (
            paint(kind.severity, f"{kind.title}")
            + f" ({kind.name}): {_counted(len(of_kind), 'place')}, {_counted(count, 'time')}"
        )
        for finding in of_kind:
            yield from _finding(finding, paint)


def _waiting(report: Report, paint: _Paint) -> Iterable[str]:
    if not report.waiting:
        return
    yield ""
    yield paint("title", f"Waiting when the loop stopped: {_counted(len(report.waiting), 'Task')}")
    alike: dict[tuple[str, str, str, int], list[Waiting]] = {}
    for each in sorted(report.waiting, key=lambda each: each.since):
        alike.setdefault((each.kind, each.coroutine, each.file, each.line), []).append(each)
    for each, *others in list(alike.values())[:_WIDTH]:
        place = f"{paint.shown(each.file)}:{each.line}" if each.file else ""
        since = duration(each.seen - each.since)
        more = f", and {len(others)} more there" if others else ""
        yield f"  {one_line(f'{each.name} ({each.coroutine})')} {paint('place', one_line(place))}{more}"
        yield f"    for {one_line(each.text)}, since {since}"
    if len(alike) > _WIDTH:
        yield f"  ... and {sum(map(len, list(alike.values())[_WIDTH:]))} more"


def _sums(report: Report, paint: _Paint) -> Iterable[str]:
    sums = report.sums
    yield ""
    yield paint("title", "Sums")
    yield (
        f"  {_counted(sums['tasks'], 'Task')}, {sums['entries']} steps and callbacks "
        f"in {_counted(sums['turns'], 'turn')}; "
        f"busy {duration(sums['busy'])}, idle {duration(sums['idle'])}, utilisation {sums['utilisation']:.1%}"
    )
    if sums["longest_delay"]:
        whose = one_line(sums["longest_delay_coroutine"])
        yield f"  longest from ready to running: {duration(sums['longest_delay'])} ({whose})"
    rows = [row for row in sums["coroutines"] if row["coroutine"] not in _AT_THE_END][:_WIDTH]
    if not rows:
        return
    width = min(max(len(row["coroutine"]) for row in rows), 48)
    header = f"  {'coroutine':{width}} {'tasks':>9} {'steps':>9} {'busy':>9} {'longest':>9} {'delay':>9}"
    yield paint("quiet", header)
    for row in rows:
        times = " ".join(f"{duration(row[key]):>9}" for key in ("busy", "longest_step", "longest_delay"))
        yield f"  {one_line(row['coroutine'])[:width]:{width}} {row['tasks']:>9} {row['steps']:>9} {times}"


def render(report: Report, *, colour: bool, libraries: bool) -> str:
    """The whole text, without a final newline."""
    paint = _Paint(colour, report.directory)
    found = report.findings + (report.library_findings if libraries else [])
    title = _counted(len(found), "finding") if found else "nothing found"
    if not report.sums["loops"]:
        title += ": no event loop of tepal's has run"
    lines = [paint("title", f"tepal report: {title}")]
    lines += _findings(found, paint)
    hidden = 0 if libraries else len(report.library_findings)
    if hidden:
        lines += ["", paint("quiet", f"{hidden} more in libraries (--libraries shows them)")]
    lines += _waiting(report, paint)
    lines += _sums(report, paint)
    return "\n".join(lines)
