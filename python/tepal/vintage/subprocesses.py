"""Subprocesses with ``loop=``."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from typing import Any

from tepal.vintage.coroutines import mark
from tepal.vintage.policy import checked

__all__ = ("create_subprocess_exec", "create_subprocess_shell")


@mark
@types.coroutine
def create_subprocess_exec(program: Any, *args: Any, loop: Any = None, **kwargs: Any) -> Generator[Any, Any, Any]:
    """Start ``program`` in the loop that runs, whatever ``loop`` is; return a ``Process``."""
    checked(loop)
    return (yield from asyncio.create_subprocess_exec(program, *args, **kwargs))


@mark
@types.coroutine
def create_subprocess_shell(cmd: Any, *, loop: Any = None, **kwargs: Any) -> Generator[Any, Any, Any]:
    """Start the shell's command ``cmd`` in the loop that runs, whatever ``loop`` is; return a ``Process``."""
    checked(loop)
    return (yield from asyncio.create_subprocess_shell(cmd, **kwargs))
