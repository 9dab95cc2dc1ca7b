"""Coroutines before ``async def``: generators, marked by ``@asyncio.coroutine`` or not at all."""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import sys
import types
from asyncio import coroutines as modern
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from tepal.report import observing

__all__ = (
    "awaiting",
    "coroutine",
    "drivable",
    "generator_of",
    "is_drivable_by",
    "iscoroutine",
    "iscoroutinefunction",
    "mark",
    "presented",
    "set_yield_style",
)

_Function = TypeVar("_Function", bound=Callable[..., Any])

_yield_style: Callable[[Any], Any] | None = None


def set_yield_style(drive: Callable[[Any], Any]) -> None:
    """Have generators that are not marked as coroutines driven by ``drive(generator)``: Trollius' ``yield From()``."""
    global _yield_style
    _yield_style = drive


def iscoroutine(obj: object) -> bool:
    """Whether ``obj`` is a coroutine of any time: a native one, or any generator."""
    return inspect.isgenerator(obj) or asyncio.iscoroutine(obj)


def iscoroutinefunction(func: object) -> bool:
    """Whether ``func`` was decorated with ``coroutine()`` or defined by ``async def``."""
    return hasattr(func, "_is_coroutine") or inspect.iscoroutinefunction(func)


def mark(function: _Function) -> _Function:
    """Have asyncio and ``inspect`` take ``function`` for a coroutine function; returns it."""
    vars(function)["_is_coroutine"] = getattr(modern, "_is_coroutine", True)
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(function)
    return function


def coroutine(func: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a generator function as a coroutine, or make a plain function one: ``asyncio.coroutine`` of 3.4 to 3.10.

    A generator function is returned itself, flagged so that it may await and be awaited. A plain function becomes a
    coroutine that calls it *when it is run*, and waits for what it returns if that is a Future, a generator or an
    awaitable. Raises ``TypeError`` if ``func`` is not callable.
    """
    if not callable(func):
        raise TypeError(f"a function was expected, got {func!r}")
    if inspect.iscoroutinefunction(func):
        return func
    if isinstance(func, types.FunctionType) and inspect.isgeneratorfunction(func):
        made: Callable[..., Any] = types.coroutine(func)
    else:
        made = presented(_PLAIN, func, iscoroutine=iscoroutine, awaiting=awaiting, isawaitable=_is_awaitable)
    return observed(mark(made))


def observed(function: _Function) -> _Function:
    """While a report is made, have ``function``, a generator function of a coroutine, give native coroutines.

    A generator that is never run goes without a trace, and of a native coroutine the interpreter tells. The code is
    the same but for its flags: `yield from` in a generator is what `await` is in a coroutine. Such a coroutine cannot
    be iterated over any more, which the programs that do so with a decorated function would notice.
    """
    code = getattr(function, "__code__", None)
    if observing.current is not None and isinstance(code, types.CodeType) and code.co_flags & inspect.CO_GENERATOR:
        flags = code.co_flags & ~(inspect.CO_GENERATOR | inspect.CO_ITERABLE_COROUTINE) | inspect.CO_COROUTINE
        function.__code__ = code.replace(co_flags=flags)
    return function


def _is_awaitable(obj: object) -> bool:
    return asyncio.isfuture(obj) or iscoroutine(obj) or isinstance(obj, Awaitable)


@types.coroutine
def awaiting(awaitable: Any) -> Generator[Any, Any, Any]:
    """Wait for ``awaitable`` of any time, within the Task that runs: ``yield from`` where that can be said."""
    if hasattr(awaitable, "__iter__") or asyncio.iscoroutine(awaitable):
        return (yield from awaitable)
    return (yield from awaitable.__await__())


def generator_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the generator-based twin of ``function``, whose native coroutine only a marked generator could await."""

    @types.coroutine
    @functools.wraps(function)
    def twin(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from function(*args, **kwargs))

    return mark(twin)


# What a loop can drive.


def is_drivable_by(coro: object, loop: object) -> bool:
    """Whether ``loop.create_task(coro)`` takes it as it is; loops other than ours take no generators any more."""
    if not inspect.isgenerator(coro):
        return True
    return bool(getattr(loop, "_drives_generators", False)) and not _is_yield_style(coro)


def _is_yield_style(generator: types.GeneratorType[Any, Any, Any]) -> bool:
    return _yield_style is not None and not generator.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE


def drivable(coro: Any, loop: object) -> Any:
    """Return what ``loop.create_task()`` takes in place of ``coro``, a coroutine of any time."""
    if not inspect.isgenerator(coro):
        return coro
    if _yield_style is not None and _is_yield_style(coro):
        coro = _yield_style(coro)
    return coro if is_drivable_by(coro, loop) else _driven(coro)


async def _driven(generator: Generator[Any, Any, Any]) -> Any:
    return await _Marked(generator)


class _Marked:
    """Any generator as something to await."""

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self._generator = generator

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield from self._generator)


# Coroutines of ours that stand for a function of the program's show that function's name, file and line.


def presented(template: types.CodeType, func: Any, **names: Any) -> Callable[..., Any]:
    """Return a coroutine function with the code ``template``, which calls ``func`` (or runs it) and looks like it.

    ``func`` is a function or a generator; ``names`` are the global names of the template. In tracebacks, ``repr()`` of
    Tasks and reports it stands at the first line of ``func``.
    """
    code = getattr(func, "gi_code", getattr(func, "__code__", None))
    if isinstance(code, types.CodeType):
        template = template.replace(
            co_name=code.co_name,
            co_qualname=code.co_qualname,
            co_filename=code.co_filename,
            co_firstlineno=code.co_firstlineno,
        )
    made = types.FunctionType(template, {**names, "__builtins__": __builtins__, "func": func, "__name__": __name__})
    functools.update_wrapper(made, func)
    return made


def template(source: str) -> types.CodeType:
    """Compile the text of one coroutine function, all of it on one line."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr, ast.excepthandler, ast.arg, ast.keyword, ast.alias)):
            node.lineno = node.end_lineno = 1
            node.col_offset = node.end_col_offset = 0
    compiled = compile(tree, __file__, "exec", dont_inherit=True)
    function = next(constant for constant in compiled.co_consts if isinstance(constant, types.CodeType))
    return function.replace(co_flags=function.co_flags | inspect.CO_ITERABLE_COROUTINE)


_PLAIN = template(
    """
def call(*args, **kwargs):
    try:
        result = func(*args, **kwargs)
    except StopIteration as stop:
        return stop.value
    if isawaitable(result):
        result = yield from awaiting(result)
    return result
"""
)
