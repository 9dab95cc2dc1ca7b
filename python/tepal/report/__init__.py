"""Reports: what a program did on its loops, and what its author will want to know about it.

``loop.report()`` gives one for a loop; ``python -m tepal report SCRIPT`` for a whole program; see docs/report.md.

The names are imported when they are first asked for: every loop looks at ``tepal.report.observing``, few need the rest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tepal.report.finding import DEFAULT_KINDS, KINDS, Finding
    from tepal.report.recording import Recording
    from tepal.report.result import Report

__all__ = ["DEFAULT_KINDS", "KINDS", "Finding", "Recording", "Report"]

_HOMES = {
    "DEFAULT_KINDS": "finding",
    "KINDS": "finding",
    "Finding": "finding",
    "Recording": "recording",
    "Report": "result",
}


def __getattr__(name: str) -> object:
    """Return one of the public names, imported now (PEP 562); raises AttributeError for any other."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
