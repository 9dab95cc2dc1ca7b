"""What came of one scenario on both loops, and its comparison.

| result  | asyncio          | tepal                | counts as |
| ------- | ---------------- | -------------------- | --------- |
| same    | passed           | passed, the same     | passed    |
| differs | passed           | failed or different  | failed    |
| void    | failed           | any                  | skipped   |
| skipped | not run          | not run              | skipped   |

A scenario that fails on asyncio says nothing about tepal; it is reported loudly, with asyncio's error as the reason.
"""

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


def error_line(failure: str) -> str:
    """Returns the line of a traceback that names the exception, which may have several lines of text after it."""
    lines = failure.splitlines()
    ends = [index for index, line in enumerate(lines) if line.startswith("  ")]
    after = lines[ends[-1] + 1 :] if ends else lines
    return (after[0] if after else last_line(failure)).strip()[:300]


def difference(on_asyncio: dict[str, Any], on_tepal: dict[str, Any]) -> str | None:
    """Returns in a line how tepal's outcome falls short of asyncio's, or None if it does not.

    Fewer reports, tracebacks and descriptors left open than on asyncio are no shortcoming.
    """
    if "failed" in on_tepal:
        return f"fails: {error_line(on_tepal['failed'])}"
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
