"""The summary of the network benches as Markdown and as a chart."""

import json
import re
from pathlib import Path
from typing import Any

from measure import chart
from measure.documents import BUILD, DOCS
from measure.goals import NOTHING, OURS
from measure.loops import LOOPS
from measure.markdown import Footnotes, head, row
from measure.network_cases import GROUP_TITLES, IDLE_CASES
from measure.network_goals import UVLOOP
from measure.network_rounds import LIMIT

INTRODUCTION = """\
# Performance over the network

Made by `make bench-network`; do not edit. How it is measured is in
[benches/README.md](../benches/README.md). In short: a load generator in Rust, on a core of its
own, keeps one request under way on each connection; the figure is answers per second of the
*server's CPU time* (user and system, from the kernel), median over interleaved rounds, as a
multiple of uvloop's. "limit" is an echo server of one thread over epoll without Python, above
TLS through the same OpenSSL as all others. On a shared machine the rates and latencies swing
far more than the ratios do.
"""


def shown(summary: dict[str, Any]) -> list[str]:
    """The loops that have a column: uvloop first, tepal and the limit last."""
    present = [name for name in LOOPS if name in summary["versions"] and name not in summary["absent"]]
    order = {UVLOOP: 0, OURS: 2}
    return [*sorted(present, key=lambda name: order.get(name, 1)), LIMIT]


def cell(loop: str, case: dict[str, Any], notes: Footnotes) -> str:
    """One loop in one row: a multiple; the base's own cell is its answers per CPU second."""
    if loop in case["failures"]:
        return notes.mark(f"{loop}: {case['failures'][loop]}")
    if loop not in case["loops"]:
        return NOTHING
    found = case["loops"][loop]
    if loop == case["base"]:
        return f"{found['per_cpu_second'] / 1000:,.1f} k/s" + ("" if loop == UVLOOP else " (base)")
    if found["ratio"] is None:
        return f"{found['per_cpu_second'] / 1000:,.1f} k/s"
    rivals = [each["ratio"] for name, each in case["loops"].items() if name != LIMIT and each["ratio"] is not None]
    text = f"{found['ratio']:.2f}"
    return f"**{text}**" if loop != LIMIT and found["ratio"] == max(rivals) else text


def share(case: dict[str, Any], other: str | None) -> str:
    """tepal's figure as a multiple of another's."""
    ratios = {loop: each["ratio"] for loop, each in case["loops"].items()}
    if other is None or not ratios.get(OURS) or not ratios.get(other):
        return NOTHING
    return f"{ratios[OURS] / ratios[other]:.2f}"


def row_title(case: dict[str, Any], notes: Footnotes) -> str:
    """The row's title, with a note on one that was measured for itself."""
    effort = case.get("effort")
    if effort is None:
        return str(case["title"])
    words = f"{case['date']}, {effort['rounds']} rounds, best of {effort['samples']} windows of {effort['seconds']:g} s"
    return f"{case['title']} {notes.mark(f'measured again: {words}').removeprefix(NOTHING).strip()}"


def ratio_table(summary: dict[str, Any], notes: Footnotes) -> list[str]:
    """Answers per CPU second of all rows, a heading row per group."""
    loops = shown(summary)
    lines = head(["", *loops, "best peer", "tepal / best peer", "tepal / limit", "goal", "reached"])
    for group, title in GROUP_TITLES.items():
        cases = [case for case in summary["cases"].values() if case["group"] == group]
        if cases:
            lines.append(row([f"**{title}**"] + [""] * (len(loops) + 5)))
        for case in cases:
            peer = case["best_peer"]
            lines.append(
                row(
                    [
                        row_title(case, notes),
                        *[cell(loop, case, notes) for loop in loops],
                        peer or NOTHING,
                        case["beside_best_peer"] or NOTHING,
                        share(case, LIMIT),
                        case["goal"] or "best peer",
                        case["reached"],
                    ]
                )
            )
    return lines


def rate_table(summary: dict[str, Any]) -> list[str]:
    """What beside CPU time is of interest: answers per second, and how long they took."""
    loops = shown(summary)
    lines = ["", "Answers per second of wall time, then p50 and p99 of their latencies in microseconds.", ""]
    lines += head(["", *loops])
    for case in summary["cases"].values():
        cells = []
        for loop in loops:
            found = case["loops"].get(loop)
            cells.append(
                NOTHING
                if found is None
                else f"{found['rate']:,.0f}; {found['p50_microseconds']:,.0f}; {found['p99_microseconds']:,.0f}"
            )
        lines.append(row([f"{case['group']}: {case['title']}", *cells]))
    return lines


def idle_table(summary: dict[str, Any], notes: Footnotes, key: str) -> list[str]:
    """Idle connections, of those that stand in the summary under ``key``."""
    idle = summary.get(key)
    if idle is None:
        return []
    seconds = next((each["seconds"] for each in idle["loops"].values()), 0)
    lines = [
        "",
        f"{idle['connections']:,} {idle.get('what', 'idle connections')} of the echo by protocol, for {seconds:g} s:",
        "",
    ]
    loops = shown(summary)
    lines += head(["", *loops])
    for title, figure, form in (
        ("bytes of RSS per connection", "bytes_per_connection", "{:,.0f}"),
        ("wake-ups", "wake_ups", "{:d}"),
        ("CPU time, ms", "server_cpu_seconds", "{:.2f}"),
    ):
        cells = []
        for loop in loops:
            if loop in idle["failures"]:
                cells.append(notes.mark(f"{loop}: {idle['failures'][loop]}"))
            elif loop not in idle["loops"]:
                cells.append(NOTHING)
            else:
                value = idle["loops"][loop][figure]
                cells.append(form.format(value * 1000 if figure == "server_cpu_seconds" else value))
        lines.append(row([title, *cells]))
    return lines


def network_chart(summary: dict[str, Any]) -> chart.Chart:
    """The rows of 1 KiB or 100 connections, which show the most; all rows of the other kinds."""
    series = [name for name in reversed(shown(summary)) if name != UVLOOP]
    groups = []
    for case in summary["cases"].values():
        if case["connections"] == 1000 or (case["connections"] == 10 and case["size"] > 1024):
            continue
        values = {loop: case["loops"][loop]["ratio"] for loop in series if loop in case["loops"]}
        known = {loop: value for loop, value in values.items() if value is not None}
        groups.append(chart.Group(f"{case['group']}: {case['title'].replace('`', '')}", known))
    return chart.Chart(
        f"Answers per CPU second as a multiple of uvloop's, CPython {summary['python']}",
        "Server's user and system time; median of ratios within interleaved rounds; logarithmic; longer is better",
        series,
        groups,
        logarithmic=True,
        show=lambda value: f"{value:.2f}",
    )


def section(summary: dict[str, Any], chart_name: str) -> str:
    """The section of one CPython version."""
    notes, of, effort = Footnotes(), summary["machine"], summary["effort"]
    versions = ", ".join(f"{loop} {version}" for loop, version in summary["versions"].items() if loop != "asyncio")
    where = "the same core as" if effort["shared_core"] else "another core than"
    priority = "real-time" if effort["priority"] else "usual"
    lines = [
        f"## CPython {summary['python_minor']}",
        "",
        f"{summary['date']}, CPython {summary['python']} ({of['compiler']}), {of['cpu']}, {of['cores']} cores, "
        f"Linux {of['kernel']} {of['architecture']}; {versions}. {effort['rounds']} rounds, best of "
        f"{effort['samples']} windows of {effort['seconds']:g} s in each; the load generator on {where} the server, "
        f"both with {priority} priority.",
        "",
        f"![CPython {summary['python_minor']}]({chart_name})",
        "",
        "The column uvloop is answers per second of the server's CPU time; the others are multiples of it "
        "(higher is better; the best loop in bold). Beside the best peer: the median of the rounds, and in "
        "brackets the lowest and the highest of them; a peer is ahead beyond noise by the sign test over the rounds.",
        "",
        *ratio_table(summary, notes),
        *[line for key in IDLE_CASES for line in idle_table(summary, notes, key)],
        *rate_table(summary),
        "",
        *notes.lines(),
        *[f"No column for {loop}: {reason}  " for loop, reason in summary["absent"].items()],
    ]
    if summary["python_minor"] != summary["goals_for_python"]:
        lines.append(f"The goals were set for CPython {summary['goals_for_python']}; here they are for comparison.  ")
    return "\n".join(lines) + "\n"


def write(summary: dict[str, Any], folder: Path) -> str:
    """Write the chart into ``folder``; returns the section."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"performance-network-{summary['python_minor']}.svg"
    (folder / name).write_text(chart.draw(network_chart(summary)), encoding="utf-8")
    return section(summary, name)


def last_result(python_minor: str) -> dict[str, Any]:
    """The last run's summary on this version. Raises FileNotFoundError if there is none."""
    text = (BUILD / f"performance-network-{python_minor}.json").read_text(encoding="utf-8")
    result: dict[str, Any] = json.loads(text)
    return result


def write_build(summary: dict[str, Any], json_path: Path | None) -> Path:
    """Write Markdown, JSON and chart under ``build/bench``; returns the Markdown's path."""
    page = BUILD / f"performance-network-{summary['python_minor']}.md"
    text = write(summary, BUILD)
    page.write_text(text, encoding="utf-8")
    (json_path or page.with_suffix(".json")).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return page


def write_docs(summary: dict[str, Any]) -> Path:
    """Put the run's section into ``docs/performance-network.md``, keeping those of other versions."""
    page = DOCS / "performance-network.md"
    sections = {}
    if page.exists():
        parts = re.split(r"(?m)^## CPython (\S+)\n", page.read_text(encoding="utf-8"))
        sections = {name: f"## CPython {name}\n{body}" for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    sections[summary["python_minor"]] = write(summary, DOCS)
    newest_first = sorted(sections, key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    page.write_text("\n".join([INTRODUCTION, *(sections[name].strip() + "\n" for name in newest_first)]), "utf-8")
    return page
