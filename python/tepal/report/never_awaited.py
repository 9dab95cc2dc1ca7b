"""Coroutines that nobody awaited.

CPython tells of each, when it is thrown away, by calling ``warnings._warn_unawaited_coroutine`` (Objects/genobject.c).
It remembers where a coroutine was made if it is asked to (``sys.set_coroutine_origin_tracking_depth``).
"""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import linecache
import re
import sys
import threading
import types
import warnings
from typing import Any

from tepal import _native
from tepal.report import places
from tepal.report.finding import Finding

DEPTH = 3
"""How many frames are remembered: the program's line, below at most two of tepal's own."""

_EXAMPLES = 8


_CALLED = "called"
_THROWN_AWAY = "thrown away"


@dataclasses.dataclass
class _Lost:
    count: int = 0
    tasks: dict[str, str] = dataclasses.field(default_factory=dict)
    """The first Tasks concerned, and what is known to have happened in each: the call, or only the end."""
    by_a_line: bool = False
    """Whether the line is one that called."""


def _statement(name: str, text: str) -> str | None:
    """The whole line without a comment, if it is a call of ``name``, or a property of that name."""
    try:
        [statement] = ast.parse(text.strip()).body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(statement, ast.Expr):
        return None
    called = statement.value.func if isinstance(statement.value, ast.Call) else statement.value
    ends = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else None
    return ast.unparse(statement) if ends == name else None


def _call(name: str, text: str) -> str | None:
    """The call of ``name`` in a line, with ``...`` for its arguments; ``None`` if it does not stand there by itself."""
    found = re.search(rf"(?<![\w.)\]])((?:\w+\.)*){re.escape(name)}(\(\)|\()", text)
    if found is None or text.lstrip().startswith(("def ", "async def ")):
        return None
    return f"{found[1]}{name}()" if found[2] == "()" else f"{found[1]}{name}(...)"


def _awaited(name: str, file: str, line: int) -> str | None:
    """What to write instead of a bare call of ``name`` in that line: in a generator of old it is no ``await``.

    ``None`` if the call is not to be seen there, or stands in a function that cannot await.
    """
    lines = linecache.getlines(file)
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    call = _statement(name, text) or _call(name, text)
    if call is None:
        return None
    margin = len(text) - len(text.lstrip())
    around = (each.strip() for each in reversed(lines[: max(line - 1, 0)]) if len(each) - len(each.lstrip()) < margin)
    function = next((each for each in around if each.startswith(("def ", "async def "))), "")
    if function.startswith("def "):
        whole = "".join(lines)
        if "yield From(" in whole:
            return f"yield From({call})"
        if "yield from " in whole:
            return f"yield from {call}"
    return f"await {call}" if function.startswith("async ") else None


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
        if origin is not None:
            self.add(coroutine.__qualname__, *origin)
            return

        # No line of the program called: the loop did, of a coroutine function that it has as a callback.
        code = getattr(coroutine, "cr_code", None)  # a coroutine of ours has none
        file, line = ("?", 0) if code is None else (code.co_filename, code.co_firstlineno)
        self.add(coroutine.__qualname__, file, line, None)

    def add(self, name: str, file: str, line: int, function: str | None) -> None:
        """Note that a coroutine of the function ``name`` was thrown away without having run.

        ``function`` made it, in that line; if it is ``None``, that is not known and the line is the one of ``name``.
        """
        lost = self._lost.setdefault((file, line, function or name, name), _Lost(by_a_line=function is not None))
        lost.count += 1
        if len(lost.tasks) < _EXAMPLES:
            try:
                task = asyncio.current_task()
            except RuntimeError:
                return
            if task is not None:
                lost.tasks.setdefault(task.get_name(), _CALLED if function and _runs(file, function) else _THROWN_AWAY)

    def findings(self) -> list[Finding]:
        """One for each line that made such coroutines."""
        found = []
        for (file, line, function, name), lost in self._lost.items():
            times = "" if lost.count == 1 else f" {lost.count} times"
            called = f" in {_several(lost, _CALLED)}" if _CALLED in lost.tasks.values() else ""
            message = f"`{name}()` was called{times}{called} and never awaited: nothing of it ran"
            if lost.tasks and not called:
                message += f" (thrown away in {_several(lost, _THROWN_AWAY)})"
            advice = _advice(name, lost, file, line, function)
            found.append(Finding("never-awaited", message, file, line, function, lost.count, None, advice))
        return found


def _runs(file: str, function: str) -> bool:
    """Whether a function of that file is running: then the coroutine that it made is thrown away where it was made."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == file and function in (frame.f_code.co_name, frame.f_code.co_qualname):
            return True
        frame = frame.f_back
    return False


def _several(lost: _Lost, what: str) -> str:
    first = next(name for name, happened in lost.tasks.items() if happened == what)
    return first if len(lost.tasks) == 1 else f"{first} and other Tasks"


def _advice(name: str, lost: _Lost, file: str, line: int, function: str) -> str:
    if function == "<module>":
        return "give the coroutine to asyncio.run(), or await it in another one"
    if not lost.by_a_line:
        return "await the coroutine, or make a Task of it; what is to be a callback has to be a plain function"
    instead = _awaited(name.rpartition(".")[2], file, line)
    return f"write `{instead}`" if instead else "await the coroutine, or make a Task of it"
