"""From the text of a program of 2013 to 2018 to code that a modern Python runs.

Nothing moves: every name keeps its line and column, so tracebacks, debuggers and reports show the program as it is
in its file. In order:

1. ``async`` and ``await`` used as names (``asyncio.async(...)``, ``def async``, ``f(async=True)``) are told from the
   keywords by the rule of Python 3.5 and 3.6, hidden behind names of the same length, and brought back in the syntax
   tree, where any name may stand.
2. ``import asyncio`` and ``import trollius`` give ``tepal.vintage.asyncio`` and ``tepal.vintage.trollius``.
3. ``raise StopIteration(value)`` in a generator is ``return value`` (PEP 479).
4. ``except Exception`` catches a cancellation, as it did until Python 3.7.
5. ``__aiter__`` may be a coroutine, as in Python 3.5.
6. A generator with ``yield from`` may await coroutines, and be awaited: its code gets the flag that
   ``types.coroutine`` sets.
"""

from __future__ import annotations

import ast
import builtins
import dis
import importlib.util
import inspect
import io
import itertools
import re
import tokenize
import types
import warnings
from collections.abc import Iterator
from typing import Any, TypeVar

from tepal.vintage.refusal import EXCEPT_COMMA, PRINT_STATEMENT, RefusedSyntaxError, judged

__all__ = ("translate",)

PACKAGE = "tepal.vintage"
REPLACED = ("asyncio", "trollius")
CAUGHT = "__tepal_caught__"
ITERATED = "__tepal_iterated__"

_Node = TypeVar("_Node", bound=ast.AST)
_Token = tokenize.TokenInfo
_UNIMPORTANT = (tokenize.NL, tokenize.COMMENT)
_FORMATTED = re.compile(r"[fF][rR]?['\"]|[rR][fF]['\"]")
_KEYWORDS = re.compile(r"(?<!\\)\b(?:async|await)\b")
_SEND = dis.opmap["SEND"]  # what `yield from` is made of; `await` is, too, but not in a generator


def translate(source: bytes | str, filename: str) -> types.CodeType:
    """Compile ``source``, the content of the file ``filename``, as Python 3.4 to 3.6 would have understood it.

    Raises ``RefusedSyntaxError`` if it is of a Python that is gone, ``SyntaxError`` if it never was Python; both show
    the line as it stands in the file.
    """
    if isinstance(source, bytes):
        source = _decode(source, filename)
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    hidden, names = _hide(text)
    with warnings.catch_warnings():
        # Of "\d" in a string, "is" with a number and their like nobody complained then.
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            tree = ast.parse(hidden, filename)
            _show(tree, names)
            _refuse(tree, filename, text)
            _modernise(tree)
            code = compile(tree, filename, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise judged(_as_written(error, text, names)).with_traceback(None) from None
    return _with_coroutines(code)


def _decode(source: bytes, filename: str) -> str:
    """The text of a file."""
    try:
        return importlib.util.decode_source(source.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    except (SyntaxError, UnicodeDecodeError):
        try:
            compile(source, filename, "exec", dont_inherit=True)  # which says where, and what is wrong
        except (SyntaxError, ValueError) as error:
            raise error.with_traceback(None) from None
        raise


# 1. Names that are keywords today.


def _hide(text: str) -> tuple[str, dict[str, str]]:
    """Return ``text`` with its names ``async`` and ``await`` replaced, and what stands for which."""
    if "async" not in text and "await" not in text:
        return text, {}
    free = (name for name in (f"z{number:04d}" for number in itertools.count()) if name not in text)
    hidden = {"async": next(free), "await": next(free)}
    lines = text.split("\n")
    for token in _names_that_are_keywords(text):
        row, column = token.start
        line = lines[row - 1]
        lines[row - 1] = line[:column] + hidden[token.string] + line[column + len(token.string) :]
    return "\n".join(lines), {stand_in: name for name, stand_in in hidden.items()}


def _tokens(text: str) -> Iterator[_Token]:
    """Yield what counts, up to the first thing that no Python can read; the compiler will say what that is."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in _UNIMPORTANT:
                yield token
    except (tokenize.TokenError, SyntaxError):
        return


def _names_that_are_keywords(text: str) -> Iterator[_Token]:
    """Yield each ``async`` and ``await`` that is a name.

    In Python 3.5 and 3.6 both are keywords within ``async def`` and nowhere else, apart from the ``async`` that is
    followed by ``def`` itself.
    """
    tokens = list(_tokens(text))
    level = 0
    outside = None  # the level of the statement `async def` that we are in
    for token, following in itertools.zip_longest(tokens, tokens[1:]):
        if token.type == tokenize.INDENT:
            level += 1
        elif token.type == tokenize.DEDENT:
            level -= 1
            if outside is not None and level <= outside:
                outside = None
        elif token.type == tokenize.NEWLINE:
            if outside == level and (following is None or following.type != tokenize.INDENT):
                outside = None  # the whole of it stood on one line
        elif token.type == tokenize.STRING and outside is None:
            yield from _names_in_formatted(token)
        elif token.type == tokenize.NAME and token.string in ("async", "await") and outside is None:
            if token.string == "async" and following is not None and following.string == "def":
                outside = level
            else:
                yield token


def _names_in_formatted(token: _Token) -> Iterator[_Token]:
    """Yield the names in a formatted string, which is one token until Python 3.11.

    Also what only looks like one in its text: that is brought back with the names.
    """
    if not _FORMATTED.match(token.string):
        return
    row, column = token.start
    for number, line in enumerate(token.string.split("\n")):
        for found in _KEYWORDS.finditer(line):
            yield token._replace(string=found[0], start=(row + number, found.start() + (0 if number else column)))


def _show(tree: ast.AST, names: dict[str, str]) -> None:
    """Bring the hidden names back, wherever a syntax tree has names."""
    if not names:
        return
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, str):
                setattr(node, field, _shown(value, names))
            elif isinstance(value, list) and value and isinstance(value[0], str):
                value[:] = [_shown(item, names) for item in value]


def _shown(text: str, names: dict[str, str]) -> str:
    for stand_in, name in names.items():
        text = text.replace(stand_in, name)
    return text


def _as_written(error: SyntaxError, text: str, names: dict[str, str]) -> SyntaxError:
    """Let ``error`` show the line as it stands in the file."""
    lines = text.split("\n")
    if error.lineno is not None and 0 < error.lineno <= len(lines):
        error.text = lines[error.lineno - 1] + "\n"
    error.msg = _shown(error.msg, names)
    return error


# 2. to 5. What has another meaning today.


def _refuse(tree: ast.AST, filename: str, text: str) -> None:
    """Raise ``RefusedSyntaxError`` for what Python 2 wrote and a modern Python reads as something else."""
    lines = text.split("\n")
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            value = node.value.elts[0] if isinstance(node.value, ast.Tuple) and node.value.elts else node.value
            if (
                isinstance(value, ast.BinOp)
                and isinstance(value.op, ast.RShift)
                and isinstance(value.left, ast.Name)
                and value.left.id == "print"
            ):
                raise _refused(PRINT_STATEMENT, filename, lines, node)
        elif isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Tuple) and _is_bare(node.type, lines):
            raise _refused(EXCEPT_COMMA, filename, lines, node.type)


def _is_bare(kinds: ast.Tuple, lines: list[str]) -> bool:
    """Whether the tuple has no parentheses, as from Python 3.14 on: `except ERROR, name` reads as two classes there."""
    return lines[kinds.lineno - 1].encode()[kinds.col_offset :][:1] != b"("


def _refused(reason: str, filename: str, lines: list[str], node: ast.expr | ast.stmt) -> RefusedSyntaxError:
    line = lines[node.lineno - 1] + "\n"
    end = node.end_col_offset
    return RefusedSyntaxError(
        reason,
        (
            filename,
            node.lineno,
            node.col_offset + 1,
            line,
            node.end_lineno,
            node.col_offset + 1 if end is None else end + 1,
        ),
    )


def _modernise(tree: ast.Module) -> None:
    needed: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                _redirect(alias)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0 and node.module and _is_replaced(node.module):
                node.module = f"{PACKAGE}.{node.module}"
        elif isinstance(node, ast.ExceptHandler):
            if node.type is not None and _may_be_cancellation(node.type):
                caught = _at(ast.Name(CAUGHT, ast.Load()), node.type)
                node.type = _at(ast.Call(caught, [node.type], []), node.type)
                needed["caught"] = CAUGHT
        elif isinstance(node, ast.FunctionDef) and _is_generator(node):
            _return_instead(node.body)
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and method.name == "__aiter__":
                    method.decorator_list.insert(0, _at(ast.Name(ITERATED, ast.Load()), method))
                    needed["iterated"] = ITERATED
    _import(tree, needed)


def _at(new: _Node, old: ast.AST) -> _Node:
    return ast.copy_location(new, old)


def _is_replaced(module: str) -> bool:
    return module.partition(".")[0] in REPLACED


def _redirect(alias: ast.alias) -> None:
    if not _is_replaced(alias.name):
        return
    if alias.asname is None:
        # `import asyncio.tasks` binds asyncio, and ours has all its modules as attributes from the start.
        alias.asname = alias.name = alias.name.partition(".")[0]
    alias.name = f"{PACKAGE}.{alias.name}"


def _may_be_cancellation(kinds: ast.expr) -> bool:
    """Whether ``except kinds`` could name ``Exception`` or ``CancelledError``; only builtin classes cannot."""
    if isinstance(kinds, ast.Tuple):
        return any(_may_be_cancellation(kind) for kind in kinds.elts)
    return not isinstance(kinds, ast.Name) or kinds.id == "Exception" or not hasattr(builtins, kinds.id)


_SOURCES = {"caught": "catching", "iterated": "iterating"}


def _import(tree: ast.Module, names: dict[str, str]) -> None:
    """Import what is needed where the first statement may stand: after the docstring and ``from __future__``."""
    if not names:
        return
    index = 0
    for index, statement in enumerate(tree.body):  # noqa: B007
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not (is_docstring or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")):
            break
    place = tree.body[index]
    for name, called in names.items():
        alias = _at(ast.alias(name, called), place)
        tree.body.insert(index, _at(ast.ImportFrom(f"{PACKAGE}.{_SOURCES[name]}", [alias], 0), place))


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)


def _is_generator(function: ast.FunctionDef) -> bool:
    found: list[ast.AST] = list(function.body)
    while found:
        node = found.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (*_SCOPES, *_COMPREHENSIONS)):
            found.extend(ast.iter_child_nodes(node))
    return False


def _return_instead(statements: list[ast.stmt]) -> None:
    """Replace ``raise StopIteration(value)`` by ``return value``, except where the function itself might catch it."""
    for index, statement in enumerate(statements):
        if isinstance(statement, _SCOPES):
            continue
        if isinstance(statement, ast.Raise):
            value = _value_of_stop_iteration(statement)
            if value is not None:
                statements[index] = _at(ast.Return(value), statement)
            continue
        for field in ("body", "orelse", "finalbody"):
            if field == "body" and isinstance(statement, ast.Try) and statement.handlers:
                continue
            _return_instead(getattr(statement, field, []))
        for handler in getattr(statement, "handlers", []):
            _return_instead(handler.body)


def _value_of_stop_iteration(statement: ast.Raise) -> ast.expr | None:
    """Return what ``raise StopIteration``, ``raise StopIteration()`` or ``raise StopIteration(value)`` returns."""
    raised = statement.exc
    arguments: list[ast.expr] = []
    if isinstance(raised, ast.Call) and not raised.keywords:
        arguments, raised = raised.args, raised.func
    if not isinstance(raised, ast.Name) or raised.id != "StopIteration" or statement.cause or len(arguments) > 1:
        return None
    if not arguments:
        return _at(ast.Constant(None), statement)
    return None if isinstance(arguments[0], ast.Starred) else arguments[0]


# 6. Generators that are coroutines.


def _with_coroutines(code: types.CodeType) -> types.CodeType:
    """Return ``code`` with each generator in it that has a ``yield from`` flagged as a coroutine."""
    constants: list[Any] = [
        _with_coroutines(constant) if isinstance(constant, types.CodeType) else constant for constant in code.co_consts
    ]
    flags = code.co_flags
    if flags & inspect.CO_GENERATOR and _SEND in code.co_code[::2]:
        flags |= inspect.CO_ITERABLE_COROUTINE
    return code.replace(co_consts=tuple(constants), co_flags=flags)
