"""The summary as Markdown: one section per CPython version."""

from typing import Any

from measure import goals
from measure.loops import LOOPS

GROUP_TITLES = {
    "tasks": "Tasks",
    "synchronization": "Futures, queues, locks",
    "callbacks": "Callbacks",
    "timers": "Timers and timeouts",
    "threads": "Threads",
    "echo": "Over a connection",
    "processes": "Child processes",
    "async_trees": "Trees of tasks (after pyperformance's async_tree)",
}
BOUNDARIES = {
    "create_task": "`await create_task(coro())`",
    "eager_task_factory": "the same, eager task factory",
    "eager_start": "`await create_task(coro(), eager_start=True)`",
}


class Footnotes:
    """Numbers reasons in the order in which they are met, one number per reason."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def mark(self, reason: str) -> str:
        """The mark to print in place of a figure."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        return f"{goals.NOTHING} <sup>{self.reasons.index(reason) + 1}</sup>"

    def lines(self) -> list[str]:
        """The reasons, for under the tables."""
        return [f"<sup>{number}</sup> {reason}  " for number, reason in enumerate(self.reasons, 1)]


def loops_shown(summary: dict[str, Any]) -> list[str]:
    """The loops that have a column: those that could be imported, tepal last."""
    shown = [name for name in LOOPS if name in summary["versions"] and name not in summary["absent"]]
    return sorted(shown, key=lambda name: name == goals.OURS)


def nanoseconds(value: float) -> str:
    """A time per operation in a unit that keeps it short."""
    if value < 1000:
        return f"{value:.0f} ns"
    return f"{value / 1000:.2f} µs" if value < 100_000 else f"{value / 1000:.0f} µs"


def row(cells: list[str]) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def head(cells: list[str]) -> list[str]:
    """Head of a Markdown table, its first column to the left, all others to the right."""
    return [row(cells), row(["---"] + ["---:"] * (len(cells) - 1))]


def ratio_cell(loop: str, case: dict[str, Any], notes: Footnotes) -> str:
    """The ratio of one loop in one case, the best of the row in bold."""
    if loop in case["failures"]:
        return notes.mark(f"{loop}: {case['failures'][loop]}")
    if loop not in case["loops"]:
        return goals.NOTHING
    ratios = {name: figures["ratio"] for name, figures in case["loops"].items()}
    text = f"{ratios[loop]:.2f}"
    best = ratios[loop] == max(ratios.values()) and not case["control"]
    return f"**{text}**" if best else text


def speed_table(summary: dict[str, Any], notes: Footnotes) -> list[str]:
    """Ratios of all cases, a heading row per group, with goals and verdicts."""
    others = [loop for loop in loops_shown(summary) if loop != goals.BASE]
    lines = head(["case", "asyncio", *others, "best peer", "goal", "reached"])
    group = None
    for case in summary["cases"].values():
        if case["group"] != group:
            group = case["group"]
            lines.append(row([f"**{GROUP_TITLES[group]}**"] + [""] * (len(others) + 4)))
        base = case["loops"].get(goals.BASE)
        peer = case["best_peer"]
        shown_peer = f"{peer} {case['loops'][peer]['ratio']:.2f}" if peer and not case["control"] else goals.NOTHING
        goal = f"{case['goal']:g}" if case["goal"] else goals.NOTHING if case["control"] else "best peer"
        time = nanoseconds(base["cpu_ns"]) if base else goals.NOTHING
        cells = [ratio_cell(loop, case, notes) for loop in others]
        lines.append(row([case["title"], time, *cells, shown_peer, goal, case["reached"]]))
    return lines


def boundary_table(summary: dict[str, Any]) -> list[str]:
    """What the boundary between coroutine and Task costs: multiples of a bare await."""
    bare = summary["cases"].get("bare_await", {}).get("loops", {})
    rows = {name: words for name, words in BOUNDARIES.items() if name in summary["cases"]}
    if not bare or not rows:
        return []
    loops = [loop for loop in loops_shown(summary) if loop in bare]
    lines = ["", "Cost of the boundary: as multiples of `await coro()` on the same loop (lower is better).", ""]
    lines += head(["", *loops])
    for name, words in rows.items():
        figures = summary["cases"][name]["loops"]
        costs = {loop: figures[loop]["cpu_ns"] / bare[loop]["cpu_ns"] for loop in loops if loop in figures}
        cells = [f"{costs[loop]:.1f}" if loop in costs else goals.NOTHING for loop in loops]
        lines.append(row([words, *cells]))
    return lines


def memory_table(summary: dict[str, Any], notes: Footnotes) -> list[str]:
    """Bytes per object, the fewest in bold."""
    if not summary["memory"]:
        return []
    loops = loops_shown(summary)
    lines = ["", "Memory: bytes of RSS per object, 200,000 objects in a fresh process (lower is better).", ""]
    lines += head(["", *loops, "reached"])
    for kind in summary["memory"].values():
        fewest = min(kind["loops"].values(), default=0)
        cells = []
        for loop in loops:
            value = kind["loops"].get(loop)
            if value is None:
                reason = kind["failures"].get(loop)
                cells.append(notes.mark(f"{loop}: {reason}") if reason else goals.NOTHING)
            else:
                cells.append(f"**{value:.0f}**" if value == fewest else f"{value:.0f}")
        lines.append(row([kind["title"], *cells, kind["reached"]]))
    return lines


def section(summary: dict[str, Any], charts: list[str]) -> str:
    """The section of one CPython version; ``charts`` are file names beside the page."""
    notes, machine, effort = Footnotes(), summary["machine"], summary["effort"]
    versions = ", ".join(f"{loop} {summary['versions'][loop]}" for loop in loops_shown(summary) if loop != goals.BASE)
    lines = [
        f"## CPython {summary['python_minor']}",
        "",
        f"{summary['date']}, CPython {summary['python']} ({machine['compiler']}), {machine['cpu']}, "
        f"{machine['cores']} cores, Linux {machine['kernel']} {machine['architecture']}; {versions}. "
        f"{effort['rounds']} rounds, best of {effort['samples']} samples of about "
        f"{effort['target_seconds'] * 1000:.0f} ms in each.",
        "",
        *[f"![CPython {summary['python_minor']}]({chart})" for chart in charts],
        "",
        "The column asyncio is CPU time per operation; the others are multiples of asyncio's speed "
        "(2.00 = half the CPU time; higher is better). "
        f"From round to round the ratio of a case differed by {summary['unrest']:.0%} in the median.",
        "",
        *speed_table(summary, notes),
        *boundary_table(summary),
        *memory_table(summary, notes),
        "",
        *notes.lines(),
        *[f"No column for {loop}: {reason}  " for loop, reason in summary["absent"].items()],
    ]
    if summary["python_minor"] != summary["goals_for_python"]:
        lines.append(f"The goals were set for CPython {summary['goals_for_python']}; here they are for comparison.  ")
    return "\n".join(lines) + "\n"
