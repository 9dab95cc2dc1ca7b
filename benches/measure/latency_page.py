"""The latencies as Markdown."""

import json
from pathlib import Path
from typing import Any

from measure.documents import BUILD, DOCS
from measure.goals import NOTHING, OURS
from measure.latency import LEVEL, PERCENTILES
from measure.loops import LOOPS
from measure.markdown import Footnotes, head, row
from measure.network_cases import GROUP_TITLES

INTRODUCTION = """\
# Latency under a fixed load

Made by `make bench-latency`; do not edit. How it is measured is in
[benches/README.md](../benches/README.md). In short: requests come at their own times, whether or
not the server keeps up, to every loop equally many per second: half and four fifths of what
uvloop's server can answer. A latency counts from the time at which the request was due.
"""
NAMES = {"p50": "p50", "p99": "p99", "p999": "p99.9"}


def shown(result: dict[str, Any]) -> list[str]:
    """The loops that have a column, tepal last."""
    present = [name for name in LOOPS if name in result["versions"] and name not in result["absent"]]
    return sorted(present, key=lambda name: name == OURS)


def cell(loop: str, one: dict[str, Any], percentile: str, notes: Footnotes) -> str:
    """One latency in microseconds, the least of the row in bold."""
    if loop in one["failures"]:
        return notes.mark(f"{loop}: {one['failures'][loop]}")
    if loop not in one["loops"]:
        return NOTHING
    found = one["loops"][loop][percentile]
    text = f"{found:,.0f}"
    return f"**{text}**" if found == min(each[percentile] for each in one["loops"].values()) else text


def verdict(one: dict[str, Any], percentile: str) -> str:
    """tepal's latency as a multiple of the best peer's; ``no`` where any peer's is the lower one beyond noise."""
    peers = {loop: each[percentile] for loop, each in one["loops"].items() if loop != OURS}
    if not peers or OURS not in one["loops"]:
        return NOTHING
    best = min(peers, key=lambda loop: peers[loop])
    multiple = one["loops"][OURS][percentile] / max(peers[best], 1e-9)
    behind = [loop for loop, ahead in one["beside"][percentile].items() if ahead and loop in peers]
    if behind:
        best = min(behind, key=lambda loop: peers[loop])
        return f"no: {one['loops'][OURS][percentile] / max(peers[best], 1e-9):.2f} × {best}"
    words = "yes" if multiple <= 1 else "level" if multiple * LEVEL <= 1 else "within noise"
    return f"{words}: {multiple:.2f} × {best}"


def table(result: dict[str, Any], notes: Footnotes) -> list[str]:
    """A row for each kind, load and percentile."""
    loops = shown(result)
    lines = head(["microseconds", *loops, "no worse than the best peer"])
    for one in result["rows"]:
        title = f"{GROUP_TITLES[one['kind']]}: {one['title']}, {one['share']:.0%} = {one['rate']:,.0f}/s"
        busy = [f"{one['loops'][loop]['busy']:.0%} busy" if loop in one["loops"] else "" for loop in loops]
        lines.append(row([f"**{title}**", *busy, ""]))
        for percentile in PERCENTILES:
            cells = [cell(loop, one, percentile, notes) for loop in loops]
            lines.append(row([NAMES[percentile], *cells, verdict(one, percentile)]))
    return lines


def render(result: dict[str, Any]) -> str:
    """The whole page."""
    notes, machine = Footnotes(), result["machine"]
    versions = ", ".join(f"{loop} {result['versions'][loop]}" for loop in shown(result))
    lines = [
        INTRODUCTION,
        f"## CPython {'.'.join(result['python'].split('.')[:2])}",
        "",
        f"{result['date']}, CPython {result['python']}, {machine['cpu']}, {machine['cores']} cores, "
        f"Linux {machine['kernel']} {machine['architecture']}; {versions}. "
        f"{result['rounds']} rounds of {result['seconds']:g} s each, with "
        f"{'real-time' if result['priority'] else 'usual'} priority; medians over the rounds. A peer's latency is "
        "the lower one beyond noise by the sign test over the rounds.",
        "",
        *table(result, notes),
        "",
        *notes.lines(),
    ]
    return "\n".join(lines).rstrip() + "\n"


def write_build(result: dict[str, Any]) -> Path:
    """Markdown and JSON under build/bench/; returns the Markdown."""
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "latency.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    page = BUILD / "latency.md"
    page.write_text(render(result), encoding="utf-8")
    return page


def write_docs(result: dict[str, Any]) -> Path:
    """docs/performance-latency.md."""
    page = DOCS / "performance-latency.md"
    page.write_text(render(result), encoding="utf-8")
    return page
