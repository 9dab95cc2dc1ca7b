"""Coroutines that nobody awaited.

CPython tells of each, when it is thrown away, by calling ``warnings._warn_unawaited_coroutine`` (Objects/genobject.c).
It remembers where a coroutine was made if it is asked to (``sys.set_coroutine_origin_tracking_depth``).
"""

from __future__ import annotations

import asyncio
import dataclasses
import linecache
import re
import sys
import threading
import warnings
from typing import Any

from tepal import _native
from tepal.report import places
from tepal.report.finding import Finding

DEPTH = 3
"""How many frames are remembered: the program's line, below at most two of tepal's own."""

_EXAMPLES = 8


@dataclasses.dataclass
class _Lost:
    count: int = 0
    tasks: list[str] = dataclasses.field(default_factory=list)


def _awaited(name: str, file: str, line: int) -> str:
    """What to write instead of a bare call of ``name`` in that line: in a generator of old it is no ``await``."""
    lines = linecache.getlines(file)
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    receiver = re.search(rf"((?:\w+\.)*)\b{re.escape(name)}\(", text)
    dotted = f"{receiver[1]}{name}" if receiver else name
    call = f"{dotted}()" if f"{name}()" in text else f"{dotted}(...)"
    margin = len(text) - len(text.lstrip())
    around = (each.strip() for each in reversed(lines[: max(line - 1, 0)]) if len(each) - len(each.lstrip()) < margin)
    function = next((each for each in around if each.startswith(("def ", "async def "))), "")
    if function.startswith("def "):
        whole = "".join(lines)
        if "yield From(" in whole:
            return f"yield From({call})"
        if "yield from " in whole:
            return f"yield from {call}"
    return f"await {call}"


class NeverAwaited:
    """The coroutines that were thrown away between ``begin()`` and ``end()``."""

    def __init__(self) -> None:
        self._lost: dict[tuple[str, int, str, str], _Lost] = {}
        self._original: Any = None
        self._hook: Any = None
        self._depth = 0
        self._noted_depth = 0
        self._threads: dict[int, int] = {}

    def begin(self) -> None:
        """Listen."""
        self._original = getattr(warnings, "_warn_unawaited_coroutine", None)
        if self._original is None:
            return

        # Not a Python function: the warning is attributed to the caller of the function that gives it.
        self._hook = _native.call_both(self._lose, self._original)
        warnings._warn_unawaited_coroutine = self._hook  # type: ignore[attr-defined]
        self._depth = sys.get_coroutine_origin_tracking_depth()
        depth = DEPTH if "tepal.vintage" in sys.modules else 1
        self._noted_depth = max(self._depth, depth)
        sys.set_coroutine_origin_tracking_depth(self._noted_depth)
        _native.keep_coroutine_origins(True)

    def end(self) -> None:
        """Listen no longer."""
        if self._hook is None:
            return
        if getattr(warnings, "_warn_unawaited_coroutine", None) is self._hook:
            warnings._warn_unawaited_coroutine = self._original  # type: ignore[attr-defined]
        sys.set_coroutine_origin_tracking_depth(self._depth)
        _native.keep_coroutine_origins(False)
        self._hook = None

    def enter_thread(self) -> None:
        """Listen in the thread that calls as well: whether coroutines remember their lines is a thread's own matter."""
        before = sys.get_coroutine_origin_tracking_depth()
        if self._hook is not None and before < self._noted_depth:
            self._threads[threading.get_ident()] = before
            sys.set_coroutine_origin_tracking_depth(self._noted_depth)

    def leave_thread(self) -> None:
        """The thread that calls is as it was before ``enter_thread()``."""
        before = self._threads.pop(threading.get_ident(), None)
        if before is not None:
            sys.set_coroutine_origin_tracking_depth(before)

    def _lose(self, coroutine: Any) -> None:
        origin = next(
            (place for place in coroutine.cr_origin or () if not places.is_machinery(place[0])),
            None,
        )
        if origin is None:
            code = getattr(coroutine, "cr_code", None)  # a coroutine of ours has none
            place = ("?", 0) if code is None else (code.co_filename, code.co_firstlineno)
            origin = (*place, coroutine.__qualname__)
        self.add(coroutine.__qualname__, *origin)

    def add(self, name: str, file: str, line: int, function: str) -> None:
        """Note that a coroutine of the function ``name``, made in that line, was thrown away without having run."""
        lost = self._lost.setdefault((file, line, function, name), _Lost())
        lost.count += 1
        if len(lost.tasks) < _EXAMPLES:
            try:
                task = asyncio.current_task()
            except RuntimeError:
                return
            if task is not None:
                lost.tasks.append(task.get_name())

    def findings(self) -> list[Finding]:
        """One for each line that made such coroutines."""
        found = []
        for (file, line, function, name), lost in self._lost.items():
            where = f" in {lost.tasks[0]}" if lost.tasks else ""
            times = "" if lost.count == 1 else f" {lost.count} times"
            message = f"`{name}()` was called{times}{where} and never awaited: nothing of it ran"
            advice = f"write `{_awaited(name.rpartition('.')[2], file, line)}`"
            found.append(Finding("never-awaited", message, file, line, function, lost.count, None, advice))
        return found
