"""What ``tepal run --vintage`` does to the process before the program's first line."""

from __future__ import annotations

import warnings

from tepal.vintage.importing import translate_imports
from tepal.vintage.policy import set_event_loop_policy
from tepal.vintage.refusal import report
from tepal.vintage.spawning import reach

__all__ = ("prepare", "report")


def prepare(directory: str) -> None:
    """Have the loops be vintage ones, and the modules below ``directory``, the program's own, be translated."""
    # Python 3.12 and 3.13 deprecate what a program of then was told to use.
    warnings.filterwarnings("ignore", r".*(Child|child_)[Ww]atcher.* is deprecated", DeprecationWarning)
    set_event_loop_policy(None)
    translate_imports(directory)
    reach(prepare, directory)
