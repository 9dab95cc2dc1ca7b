"""Awaits that follow each other though they could run together.

Found in the source, confirmed by the run. In the source: two neighbouring statements of one block,

    a = await first(...)
    b = await second(...)

where both call coroutine functions of the program by plain names, with arguments that are constants or names and
attributes of names, of which none appears in both and none is the first's result; and where neither function, nor any
function of the program that it calls, stores anything outside of itself or uses a variable of the module: no global,
nonlocal, attribute or item, no method of a name that is not its own. In the run: both waited for the loop, every time.

What remains is a "could": that two requests may be sent to a server at once only the author knows.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import itertools
import linecache
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from tepal.report import places
from tepal.report.finding import Finding, duration
from tepal.report.waiting import frames_of

SHORTEST = 100_000
"""Nanoseconds: shorter waits are not worth a Task."""

_DEPTH = 4
"""How many calls deep functions of the program are looked into."""


@dataclasses.dataclass
class _Await:
    count: int = 0
    waited: int = 0


class Sequences:
    """How long each line of the program that awaits a coroutine waited."""

    def __init__(self) -> None:
        self._awaits: dict[tuple[CodeType, int], _Await] = {}
        self._globals: dict[CodeType, dict[str, Any]] = {}
        self._last: dict[int, Any] = {}

    def waited(self, task: Any, start: int, end: int) -> None:
        """A Task has waited from ``start`` to ``end``; it is still suspended."""
        taken = end - start
        if taken < SHORTEST:
            return
        for frame in frames_of(task.get_coro()):
            code = frame.f_code
            if places.is_library(code.co_filename):
                continue
            line = self._awaits.setdefault((code, frame.f_lineno or 0), _Await())
            line.count += 1
            line.waited += taken
            self._globals.setdefault(code, frame.f_globals)

    def findings(self) -> list[Finding]:
        """One for each pair of neighbouring awaits."""
        found = []
        for code in {code for code, _ in self._awaits}:
            lines = {line: each for (owner, line), each in self._awaits.items() if owner is code}
            for first, second in _pairs(code, self._globals[code]):
                before, after = _within(lines, first), _within(lines, second)
                if before.count and after.count:
                    found.append(_finding(code, first, second, before, after))
        return found


def _within(lines: dict[int, _Await], statement: ast.stmt) -> _Await:
    total = _Await()
    for line, each in lines.items():
        if statement.lineno <= line <= (statement.end_lineno or statement.lineno):
            total.count += each.count
            total.waited += each.waited
    return total


def _finding(code: CodeType, first: ast.stmt, second: ast.stmt, before: _Await, after: _Await) -> Finding:
    saved = min(before.waited, after.waited)
    names = [ast.unparse(statement.targets[0]) for statement in (first, second) if isinstance(statement, ast.Assign)]
    calls = [ast.unparse(_awaited(statement)) for statement in (first, second)]  # type: ignore[arg-type]
    return Finding(
        "sequential",
        f"this await and the one in line {second.lineno} could run together, in {duration(saved)} less",
        code.co_filename,
        first.lineno,
        code.co_qualname,
        min(before.count, after.count),
        saved,
        f"`{', '.join(names)} = await asyncio.gather({', '.join(calls)})`",
        related=[(code.co_filename, second.lineno, "the second await")],
    )


def _function_of(code: CodeType) -> ast.AsyncFunctionDef | None:
    """The source of a coroutine function."""
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    return None


def _pairs(code: CodeType, names: dict[str, Any]) -> list[tuple[ast.stmt, ast.stmt]]:
    function = _function_of(code)
    if function is None:
        return []
    found = []
    for block in _blocks(function):
        for first, second in itertools.pairwise(block):
            if _independent(first, second, names):
                found.append((first, second))
    return found


def _blocks(function: ast.AsyncFunctionDef) -> list[list[ast.stmt]]:
    """The blocks of statements outside of ``async with`` and ``with``, which may hold a lock or a transaction."""
    blocks, left = [], [function.body]
    while left:
        block = left.pop()
        blocks.append(block)
        for statement in block:
            if isinstance(statement, (ast.If, ast.For, ast.While, ast.AsyncFor)):
                left += [statement.body, statement.orelse]
    return blocks


def _awaited(statement: ast.stmt) -> ast.Call | None:
    """The call in ``name = await call(...)``."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    if not isinstance(statement.targets[0], ast.Name) or not isinstance(statement.value, ast.Await):
        return None
    call = statement.value.value
    return call if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else None


def _names(call: ast.Call) -> set[str] | None:
    """The names in the arguments; ``None`` if there is anything but constants, names and their attributes."""
    names = set()
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        for node in ast.walk(argument):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif not isinstance(node, (ast.Constant, ast.Attribute, ast.expr_context)):
                return None
    return names


def _independent(first: ast.stmt, second: ast.stmt, names: dict[str, Any]) -> bool:
    one, other = _awaited(first), _awaited(second)
    if one is None or other is None:
        return False
    result = first.targets[0].id  # type: ignore[attr-defined]
    used, also_used = _names(one), _names(other)
    if used is None or also_used is None or used & also_used or result in also_used:
        return False
    if result == second.targets[0].id:  # type: ignore[attr-defined]
        return False
    return all(_keeps_to_itself(names.get(call.func.id), _DEPTH) for call in (one, other))  # type: ignore[attr-defined]


def _keeps_to_itself(function: Any, depth: int) -> bool:
    """Whether a function of the program, and what it calls of the program, stores nothing outside of itself."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or places.is_library(code.co_filename) or depth == 0:
        return False
    source = _function_of(code)
    if source is None or source.decorator_list:
        return False
    names = function.__globals__
    loaded = {node.id for node in ast.walk(source) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    if any(not isinstance(names.get(name), _UNCHANGING) for name in loaded):
        return False
    own = {node.id for node in ast.walk(source) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return all(_is_harmless(node, own, names, depth) for node in ast.walk(source))


_STORING = (ast.Global, ast.Nonlocal, ast.Delete, ast.AsyncWith, ast.With, ast.Yield, ast.YieldFrom)


def _is_harmless(node: ast.AST, own: set[str], names: dict[str, Any], depth: int) -> bool:
    if isinstance(node, _STORING):
        return False
    if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
        return False
    if not isinstance(node, ast.Call):
        return True
    called = node.func
    if isinstance(called, ast.Name):
        target = names.get(called.id, getattr(builtins, called.id, None))
        return target in _HARMLESS or _keeps_to_itself(target, depth - 1)
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        owner = called.value.id
        return owner in own or getattr(names.get(owner), "__name__", None) in _HARMLESS_MODULES
    return False


_UNCHANGING: tuple[type, ...] = (
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    type,
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
)
"""What a name of the module may stand for: things that two functions cannot use to tell each other anything."""

_HARMLESS_MODULES = {"asyncio", "base64", "datetime", "hashlib", "itertools", "json", "math", "re", "struct", "time"}
_HARMLESS = [
    abs, bool, bytes, dict, enumerate, float, int, len, list, max, min, range, repr, set, sorted, str, sum, tuple, zip,
]  # fmt: skip
