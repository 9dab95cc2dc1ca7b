"""What ``tepal run --vintage`` does to the process before the program's first line."""

from __future__ import annotations

from tepal.vintage.importing import translate_imports
from tepal.vintage.policy import set_event_loop_policy
from tepal.vintage.refusal import report

__all__ = ("prepare", "report")


def prepare(directory: str) -> None:
    """Have the loops be vintage ones, and the modules below ``directory``, the program's own, be translated."""
    set_event_loop_policy(None)
    translate_imports(directory)
