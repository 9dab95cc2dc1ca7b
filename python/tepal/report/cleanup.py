"""Whether a line of a program stands where a coroutine cleans up: in an ``except`` or a ``finally``."""

from __future__ import annotations

import ast
import linecache
from types import CodeType

_lines: dict[str, set[int]] = {}


def _cleaning_lines(file: str) -> set[int]:
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return set()
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Try, ast.TryStar)):
            blocks = [handler.body for handler in node.handlers] + [node.finalbody]
            for statement in (statement for block in blocks for statement in block):
                lines.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    return lines


def is_cleaning_up(code: CodeType, line: int | None) -> bool:
    """Whether ``line`` of ``code``'s file is inside such a block, or in a method that ends an ``async with``."""
    if code.co_name in {"__aexit__", "aclose", "close"}:
        return True
    file = code.co_filename
    if file not in _lines:
        _lines[file] = _cleaning_lines(file)
    return line in _lines[file]
