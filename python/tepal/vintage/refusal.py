"""What cannot run on a modern Python: the exceptions that say so, with file, line and reason."""

from __future__ import annotations

import os
import re
import sys
import traceback
import types
from typing import Any

__all__ = (
    "EXCEPT_COMMA",
    "PRINT_STATEMENT",
    "RefusedAttributeError",
    "RefusedError",
    "RefusedImportError",
    "RefusedSyntaxError",
    "report",
)


class RefusedError(Exception):
    """A vintage program asks for something that the Python at hand has no more.

    ``filename`` (str), ``lineno`` (int, from 1) and ``reason`` (str) say where and why. What is raised is always one
    of the three subclasses, each of which is also the exception that Python itself would raise there, so that a
    program that is prepared for it (``except ImportError``, ``hasattr()``) goes its own way.
    """

    filename: Any
    lineno: Any
    reason: str


class RefusedSyntaxError(RefusedError, SyntaxError):
    """The text is of a Python that is gone (2, or what 3.8 and later have dropped); raised when it is loaded."""

    def __init__(self, reason: str, details: tuple[Any, ...]) -> None:
        SyntaxError.__init__(self, reason, details)
        self.reason = reason


class RefusedImportError(RefusedError, ModuleNotFoundError):
    """A module, or a name of asyncio's, that was removed; raised by the import statement."""

    def __init__(self, reason: str, name: str, filename: str, lineno: int) -> None:
        ModuleNotFoundError.__init__(self, f"{reason} ({filename}, line {lineno})", name=name)
        self.reason, self.filename, self.lineno = reason, filename, lineno


class RefusedAttributeError(RefusedError, AttributeError):
    """An attribute of asyncio's that was removed; raised where it is asked for."""

    def __init__(self, reason: str, name: str, filename: str, lineno: int) -> None:
        AttributeError.__init__(self, f"{reason} ({filename}, line {lineno})", name=name)
        self.reason, self.filename, self.lineno = reason, filename, lineno


def report(error: RefusedError) -> None:
    """Tell on standard error how the program came to ``error``, and on the last line where it is and why."""
    package = os.path.dirname(os.path.dirname(__file__))
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((os.path.join(package, ""), "<frozen "))
    ]
    if frames:
        print("Traceback (most recent call last):\n", *traceback.format_list(frames), sep="", end="", file=sys.stderr)
    if isinstance(error, RefusedSyntaxError):
        print("".join(traceback.format_exception_only(error)[:-1]), end="", file=sys.stderr)
        print(f"tepal: refused: {error.reason}", file=sys.stderr)
    else:
        print(f"tepal: refused: {error.filename}, line {error.lineno}: {error.reason}", file=sys.stderr)


_PYTHON_2 = "of Python 2, which no Python 3 has ever run"
PRINT_STATEMENT = f"the print statement {_PYTHON_2}"
EXCEPT_COMMA = f"'except ERROR, name' {_PYTHON_2}"

# What the compiler says, or how the line looks, and what that was once.
_MESSAGES = (
    (r"Missing parentheses in call to 'print'", PRINT_STATEMENT),
    (r"Missing parentheses in call to 'exec'", f"the exec statement {_PYTHON_2}"),
    (r"multiple exception types must be parenthesized", EXCEPT_COMMA),
    (r"leading zeros in decimal integer literals", f"an octal number with a bare leading zero {_PYTHON_2}"),
    (r"[Ii]nconsistent use of tabs", "tabs and spaces mixed as only Python 2 could read them"),
    (r"'yield' inside (list|set|dict)", "'yield' inside a comprehension, which Python 3.8 has removed"),
    (r"'yield' inside generator expression", "'yield' inside a generator expression, which Python 3.8 has removed"),
    (r"parameters? cannot be parenthesized", f"a tuple as a parameter, {_PYTHON_2}"),
)
_LINES = (
    (r"^\s*print\s+[^=(\s]", PRINT_STATEMENT),
    (r"^\s*raise\s+[\w.]+\s*,", f"'raise ERROR, value' {_PYTHON_2}"),
    (r"^\s*except\s+[\w.]+\s*,\s*\w+\s*:", EXCEPT_COMMA),
    (r"`[^`]+`", f"a repr in backquotes {_PYTHON_2}"),
    (r"<>", f"the operator '<>' {_PYTHON_2}"),
    (r"(?i)\bur['\"]", f"a ur'' literal {_PYTHON_2}"),
    (r"\b\d+[lL]\b", f"a long integer with an L {_PYTHON_2}"),
    (r"^\s*def\s+\w+\s*\(.*\(", f"a tuple as a parameter, {_PYTHON_2}"),
)


def judged(error: SyntaxError) -> SyntaxError:
    """Return ``error``, or a ``RefusedSyntaxError`` in its place if the text is right for a Python that is gone."""
    reasons = [reason for pattern, reason in _MESSAGES if re.search(pattern, error.msg)]
    reasons += [reason for pattern, reason in _LINES if re.search(pattern, error.text or "")]
    if not reasons:
        return error
    place = (error.filename, error.lineno, error.offset, error.text, error.end_lineno, error.end_offset)
    return RefusedSyntaxError(reasons[0], place)


def place_of(frame: types.FrameType) -> tuple[str, int]:
    """Return the file and the line that ``frame`` is at."""
    return frame.f_code.co_filename, frame.f_lineno or frame.f_code.co_firstlineno
