"""What came of one scenario on both loops, and its comparison.

| result  | asyncio          | tepal                | counts as |
| ------- | ---------------- | -------------------- | --------- |
| same    | passed           | passed, the same     | passed    |
| differs | passed           | failed or different  | failed    |
| void    | failed           | any                  | skipped   |
| skipped | not run          | not run              | skipped   |

A scenario that fails on asyncio says nothing about tepal; it is reported loudly, with asyncio's error as the reason.
"""

import traceback
from dataclasses import asdict, dataclass
from typing import Any

SAME, DIFFERS, VOID, SKIPPED = "same", "differs", "void", "skipped"


@dataclass(frozen=True)
class Result:
    """The result of one scenario on one Python version."""

    library: str
    scenario: str
    result: str
    note: str = ""
    """Why it differs, is void or was skipped, in one line; else the `summary` that the scenario gave, if it did."""
    detail: str = ""
    """Everything that helps to find the reason."""
    seconds: tuple[float, float] = (0.0, 0.0)
    """How long it took on asyncio and on tepal."""

    def as_json(self) -> dict[str, Any]:
        """Returns what is written to the file of results."""
        return asdict(self)


def last_line(text: str) -> str:
    """Returns the last line of a traceback that is not empty: the exception."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def error_line(error: BaseException) -> str:
    """Returns in a line what an exception says; of a group, what its first member says.

    A message of several lines is its first and its last one: what was waited for, and the end of what was printed.
    An `assert` without a message says what it asserts.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    frames = traceback.extract_tb(error.__traceback__)
    if not lines and frames and frames[-1].line:
        lines = [frames[-1].line]
    parts = [lines[0][:300], *([lines[-1][:300]] if len(lines) > 1 else [])] if lines else []
    return ": ".join([type(error).__name__, *parts])


def difference(on_asyncio: dict[str, Any], on_tepal: dict[str, Any]) -> str | None:
    """Returns in a line how tepal's outcome falls short of asyncio's, or None if it does not.

    Fewer reports, tracebacks and descriptors left open than on asyncio are no shortcoming.
    """
    if "failed" in on_tepal:
        return f"fails: {on_tepal['reason']}"
    theirs, ours = on_asyncio["observed"], on_tepal["observed"]
    if ours != theirs:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            keys = [key for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)]
            if keys != ["tracebacks"] or ours.get("tracebacks", 0) > theirs.get("tracebacks", 0):
                return "; ".join(f"{key}: {ours.get(key)!r}, asyncio {theirs.get(key)!r}" for key in keys)[:1000]
        else:
            return f"observed {ours!r}, asyncio {theirs!r}"[:1000]
    more = list(on_tepal["reports"])
    for line in on_asyncio["reports"]:
        if line in more:
            more.remove(line)
    if len(on_tepal["reports"]) > len(on_asyncio["reports"]):
        return f"asyncio's log has more than on asyncio: {more}"[:1000]
    if on_tepal["descriptors"] > on_asyncio["descriptors"]:
        return f"{on_tepal['descriptors']} descriptors left open, asyncio {on_asyncio['descriptors']}"
    return None
