"""Tasks that nobody can wake any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from tepal.report.finding import Finding
from tepal.report.holding import holders
from tepal.report.reaching import Suspects
from tepal.report.waiting import SWALLOWED, Waiting

_SUSPECT = {"task", "future", "lock", "queue", "event"}
"""Kinds of waits that end only if somebody in the program ends them."""

_CYCLE = "a cycle of Tasks that wait for each other"
_BEHIND = "that Task can go on no more"
_BEHIND_SEVERAL = "the Tasks that could complete it can go on no more"
ORPHANED = "nobody is left who could complete it"
SWALLOWED_BY_SEVERAL = "were cancelled, swallowed the CancelledError and go on"


def judge(
    found: list[Waiting], tasks: list[Any], awaited: list[Any], seconds: float, guarded: Collection[int] = ()
) -> None:
    """Give a verdict to those Tasks of ``found`` that nobody can wake; look for ``seconds`` at most.

    ``tasks`` are the Tasks themselves, ``awaited`` what they wait for, in the same order. The numbers of those that a
    timer may cancel are ``guarded``.
    """
    suspects = [
        number for number, each in enumerate(found) if each.kind in _SUSPECT and not each.verdict
        and number not in guarded and awaited[number] is not None and not awaited[number].done()
    ]  # fmt: skip
    kept_tasks = [tasks[number] for number in suspects]
    kept_awaited = [awaited[number] for number in suspects]
    awaited.clear()
    search = Suspects(kept_tasks, kept_awaited, seconds)
    convicted = search.convicted()
    behind = {number: search.enders[number] | holders(number, kept_tasks, convicted) for number in convicted}
    for number in convicted:
        each = found[suspects[number]]
        cycle = _cycle(number, behind)
        if cycle:
            start = cycle.index(min(cycle))
            cycle = [*cycle[start:-1], *cycle[:start], min(cycle)]  # the same text for all that are in it
            names = " -> ".join(found[suspects[other]].name for other in cycle)
            each.verdict = f"{_CYCLE}: {names}"
        elif each.kind == "task":
            each.verdict = _BEHIND
        elif behind[number]:
            each.verdict = _BEHIND_SEVERAL
        else:
            each.verdict = ORPHANED


def _cycle(start: int, behind: dict[int, set[int]]) -> list[int]:
    """The shortest way from ``start`` back to it, if each waits for one of those behind which it is; else nothing."""
    ways = [[start]]
    seen: set[int] = set()
    for way in ways:
        for following in sorted(behind.get(way[-1], ())):
            if following == start:
                return [*way, start]
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def _said(tasks: list[Waiting]) -> str:
    """What Tasks do that do not end, all of them in one line and for one reason."""
    first, *others = tasks
    if not others:
        who, text = first.name, f"waits for {first.text}"
    else:
        known = [each.name for each in tasks[:3]]
        more = len(tasks) - len(known)
        who = f"{', '.join(known)} and {more} more" if more else f"{', '.join(known[:-1])} and {known[-1]}"
        same = all(each.text == first.text for each in others)
        text = f"wait for {first.text}" if same else f"wait, {first.name} for {first.text}"
    if first.verdict != SWALLOWED:
        return f"{who} {text}: {first.verdict}"
    return f"{who} {SWALLOWED if not others else SWALLOWED_BY_SEVERAL}: {text}"


def _advice(verdict: str) -> str:
    """What to do about it."""
    if verdict == SWALLOWED:
        return "let the CancelledError pass; if the Task is to go on, say so with `uncancel()`"
    if verdict.startswith(_CYCLE):
        return "let one of them go on without the other, take locks in one order, or wait with a timeout"
    if verdict == _BEHIND:
        return "the cause is with that Task"
    if verdict == _BEHIND_SEVERAL:
        return "the cause is with those Tasks"
    return "give it to whoever is to complete it, or cancel the Task that waits"


def find(waiting: Iterable[Waiting]) -> list[Finding]:
    """One finding for each line where Tasks wait for something that cannot come."""
    lines: dict[tuple[str, int, str, str], list[Waiting]] = {}
    for each in waiting:
        if each.verdict:
            lines.setdefault((each.file, each.line, each.function, each.verdict), []).append(each)
    found = []
    for (file, line, function, verdict), tasks in lines.items():
        message = _said(tasks)
        numbers = [each.task for each in tasks[:8]]
        cost = max(each.seen - each.since for each in tasks)
        found.append(Finding("stuck", message, file, line, function, len(tasks), cost, _advice(verdict), numbers))
    return found
