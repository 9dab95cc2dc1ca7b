"""Writes what a run produces: Markdown, JSON and charts, for ``build/`` and ``docs/``."""

import json
import re
from pathlib import Path
from typing import Any

from measure import chart, markdown
from measure.process import BENCHES

PROJECT = BENCHES.parent
BUILD = PROJECT / "build" / "bench"
DOCS = PROJECT / "docs"

INTRODUCTION = """\
# Performance

Made by `make bench`; do not edit. How it is measured, and what the cases are, is in
[benches/README.md](../benches/README.md). In short: every loop runs the same
programs; in each round the loops measure a case one after the other, each in a process of
its own, pinned to one core; the figure is the median over the rounds of asyncio's CPU
time divided by the loop's. On a shared machine single figures swing by some per cent
from run to run, ratios within a run less so. The mark in the chart is the goal.
"""


def speed_chart(summary: dict[str, Any]) -> chart.Chart:
    """Ratios of the cases that have a goal; of all cases if none of them was measured."""
    series = [loop for loop in reversed(markdown.loops_shown(summary)) if loop != "asyncio"]
    cases = [case for case in summary["cases"].values() if case["goal"]] or list(summary["cases"].values())
    groups = [
        chart.Group(
            case["title"],
            {loop: case["loops"][loop]["ratio"] for loop in series if loop in case["loops"]},
            case["goal"],
        )
        for case in cases
    ]
    return chart.Chart(
        f"Speed as a multiple of asyncio's, CPython {summary['python']}",
        "CPU time, median of ratios within interleaved rounds; logarithmic; longer is better; the mark is tepal's goal",
        series,
        groups,
        logarithmic=True,
    )


def memory_chart(summary: dict[str, Any]) -> chart.Chart:
    """Bytes per object."""
    series = list(reversed(markdown.loops_shown(summary)))
    groups = [chart.Group(kind["title"], kind["loops"]) for kind in summary["memory"].values()]
    return chart.Chart(
        f"Bytes per object, CPython {summary['python']}",
        "Growth of the resident set for 200,000 objects, divided by 200,000; shorter is better",
        series,
        groups,
        logarithmic=False,
        show=lambda value: f"{value:.0f}",
    )


def draw_charts(summary: dict[str, Any], folder: Path) -> list[str]:
    """Write the charts of a run into ``folder``; returns their file names."""
    charts = {f"performance-{summary['python_minor']}.svg": speed_chart(summary)}
    if summary["memory"]:
        charts[f"performance-{summary['python_minor']}-memory.svg"] = memory_chart(summary)
    for name, drawn in charts.items():
        (folder / name).write_text(chart.draw(drawn), encoding="utf-8")
    return list(charts)


def write_build(summary: dict[str, Any], json_path: Path | None) -> Path:
    """Write Markdown, JSON and charts under ``build/bench``; returns the Markdown's path."""
    BUILD.mkdir(parents=True, exist_ok=True)
    stem = f"performance-{summary['python_minor']}"
    page = BUILD / f"{stem}.md"
    page.write_text(markdown.section(summary, draw_charts(summary, BUILD)), encoding="utf-8")
    (json_path or BUILD / f"{stem}.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return page


def write_docs(summary: dict[str, Any]) -> Path:
    """Put the run's section into ``docs/performance.md``, keeping those of other versions."""
    DOCS.mkdir(exist_ok=True)
    page = DOCS / "performance.md"
    sections = {}
    if page.exists():
        parts = re.split(r"(?m)^## CPython (\S+)\n", page.read_text(encoding="utf-8"))
        sections = {name: f"## CPython {name}\n{body}" for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    sections[summary["python_minor"]] = markdown.section(summary, draw_charts(summary, DOCS))
    newest_first = sorted(sections, key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    texts = [INTRODUCTION, *(sections[name].strip() + "\n" for name in newest_first)]
    page.write_text("\n".join(texts), encoding="utf-8")
    return page
