"""A chart of grouped horizontal bars as SVG, readable on light and dark pages."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

LABELS = 285
"""Width of the column of group labels, in pixels, as all lengths here."""
PLOT = 560
RIGHT = 60
BAR = 9
GAP = 12
TOP = 74

COLOURS = {
    "tepal": "#e8590c",
    "asyncio": "#868e96",
    "uvloop": "#4c8dd6",
    "zuvloop": "#2f9e6e",
    "rloop": "#a56cc1",
    "rsloop": "#c39b1d",
    "talyn": "#c2507a",
    "limit": "#343a40",
    "aiofastnet": "#8a6d3b",
    "aiofastnet-uvloop": "#c49a5a",
}

STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f; }
.title { font-size: 16px; font-weight: 600; }
.small { font-size: 11px; fill: #57606a; }
.label { font-size: 12px; }
.value { font-size: 8.5px; fill: #57606a; }
.ours { font-weight: 700; fill: #e8590c; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.base { stroke: #57606a; stroke-width: 1.5; }
.goal { stroke: #24292f; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .small, .value { fill: #9da7b1; }
  .ours { fill: #ff8a4c; }
  .grid { stroke: #30363d; }
  .base { stroke: #9da7b1; }
  .goal { stroke: #e6edf3; }
}
"""


@dataclass(frozen=True)
class Group:
    """The bars of one case."""

    label: str
    values: dict[str, float]
    """Series to value; a series without one is drawn as a dash."""
    goal: float | None = None
    """Where to draw the mark of the goal."""


@dataclass(frozen=True)
class Chart:
    """What is drawn, in the order in which it is drawn."""

    title: str
    subtitle: str
    series: list[str]
    groups: list[Group]
    logarithmic: bool
    """On a logarithmic axis bars start at 1 (asyncio), on a linear one at 0."""
    show: Callable[[float], str] = field(default=lambda value: f"{value:.1f}")
    """How a value is written beside its bar."""


@dataclass(frozen=True)
class Axis:
    """Maps values to pixels and says where the grid lines are."""

    low: float
    high: float
    logarithmic: bool

    def position(self, value: float) -> float:
        """Horizontal pixel of ``value``, kept within the plot."""
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return LABELS + share * PLOT

    def ticks(self) -> list[float]:
        """Powers of two on a logarithmic axis, round steps on a linear one."""
        if self.logarithmic:
            first, last = math.ceil(math.log2(self.low)), math.floor(math.log2(self.high))
            return [2.0**power for power in range(first, last + 1)]
        step = 10 ** math.floor(math.log10(self.high))
        step = step / 5 if self.high / step < 2 else step / 2 if self.high / step < 5 else step
        return [step * number for number in range(int(self.high / step) + 1)]


def axis_of(chart: Chart) -> Axis:
    """An axis that all values and goals of ``chart`` fit on."""
    values = [value for group in chart.groups for value in group.values.values()]
    values += [group.goal for group in chart.groups if group.goal is not None]
    highest = max(values, default=1.0)
    if not chart.logarithmic:
        return Axis(0.0, max(highest * 1.05, 1.0), False)
    lowest = min([1.0, *values])
    return Axis(lowest * 0.95, max(highest * 1.1, 2.0), True)


def draw(chart: Chart) -> str:
    """The chart as a complete SVG document."""
    axis = axis_of(chart)
    row = BAR * len(chart.series)
    height = TOP + len(chart.groups) * (row + GAP) + 30
    width = LABELS + PLOT + RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(chart.title)}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="12" y="22">{escape(chart.title)}</text>',
        f'<text class="small" x="12" y="40">{escape(chart.subtitle)}</text>',
        *legend(chart),
        *grid(chart, axis, height),
    ]
    for number, group in enumerate(chart.groups):
        parts += bars(chart, group, axis, TOP + number * (row + GAP))
    return "\n".join([*parts, "</svg>", ""])


def legend(chart: Chart) -> list[str]:
    """One coloured square with a name per series."""
    parts = []
    for number, name in enumerate(chart.series):
        x = LABELS + number * 88
        parts.append(f'<rect x="{x}" y="51" width="10" height="10" rx="2" fill="{COLOURS[name]}"/>')
        parts.append(f'<text class="label" x="{x + 14}" y="60">{escape(name)}</text>')
    return parts


def grid(chart: Chart, axis: Axis, height: int) -> list[str]:
    """Vertical lines at round values, and the line of asyncio on a ratio chart."""
    parts = []
    for tick in axis.ticks():
        x = axis.position(tick)
        name = "base" if chart.logarithmic and tick == 1.0 else "grid"
        parts.append(f'<line class="{name}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{height - 24}"/>')
        unit = "\N{MULTIPLICATION SIGN}" if chart.logarithmic else ""
        parts.append(f'<text class="small" x="{x:.1f}" y="{height - 10}" text-anchor="middle">{tick:g}{unit}</text>')
    return parts


def bars(chart: Chart, group: Group, axis: Axis, top: float) -> list[str]:
    """Label, bars, values and goal mark of one group."""
    row = BAR * len(chart.series)
    parts = [
        f'<text class="label" x="{LABELS - 10}" y="{top + row / 2 + 4:.1f}" '
        f'text-anchor="end">{escape(group.label)}</text>'
    ]
    if group.goal is not None:
        x = axis.position(group.goal)
        parts.append(f'<line class="goal" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 2:.1f}" y2="{top + row + 1:.1f}"/>')
    start = axis.position(1.0 if chart.logarithmic else 0.0)
    for number, name in enumerate(chart.series):
        y = top + number * BAR
        value = group.values.get(name)
        end = start if value is None else axis.position(value)
        left, length = min(start, end), abs(end - start)
        if value is not None:
            parts.append(
                f'<rect x="{left:.1f}" y="{y:.1f}" width="{max(length, 0.5):.1f}" '
                f'height="{BAR - 1}" rx="1" fill="{COLOURS[name]}"/>'
            )
        words = "\N{EN DASH}" if value is None else chart.show(value)
        style = "value ours" if name == "tepal" else "value"
        parts.append(f'<text class="{style}" x="{max(start, end) + 4:.1f}" y="{y + BAR - 2:.1f}">{words}</text>')
    return parts
