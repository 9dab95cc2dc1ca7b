"""From code objects and instructions to the lines of the program."""

from __future__ import annotations

import asyncio
import itertools
import os
import site
import sysconfig
from types import CodeType
from typing import Any

PROGRAM, DOOR, INNER, BOTTOM = range(4)
"""What a frame is for whoever looks for the line that did something; as ``Role`` in the native module."""

_ASYNCIO = os.path.dirname(asyncio.__file__) + os.sep
_TEPAL = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_DOORS = {"create_task", "ensure_future", "_ensure_future", "async_", "Task", "_new_task", "_TaskKind.__call__"}
_BOTTOMS = {"run_forever", "_run_once", "_run", "_run_until_stopped"}


def is_machinery(file: str) -> bool:
    """Whether a file is asyncio's or tepal's."""
    return file.startswith((_ASYNCIO, _TEPAL))


def classify(code: Any) -> int:
    """The role of a frame with this code."""
    if not isinstance(code, CodeType) or not is_machinery(code.co_filename):
        return PROGRAM
    if code.co_name in _BOTTOMS:
        return BOTTOM
    is_door = (code.co_name in _DOORS and "TaskGroup" not in code.co_qualname) or code.co_qualname in _DOORS
    return DOOR if is_door else INNER


def _find_library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(site.getsitepackages())
    folders.add(site.getusersitepackages())
    folders.update(os.path.realpath(folder) for folder in list(folders))
    return tuple(folder.rstrip(os.sep) + os.sep for folder in folders)


_LIBRARY_FOLDERS = _find_library_folders()
_is_library: dict[str, bool] = {}


def is_library(file: str) -> bool:
    """Whether a file belongs to Python or to an installed package, not to the program."""
    known = _is_library.get(file)
    if known is None:
        known = _is_library[file] = _look_where(file)
    return known


def _look_where(file: str) -> bool:
    if file.startswith("<frozen") or file == "<string>":
        return file != "<string>"
    path = os.path.join(working_directory(), os.path.normpath(file))
    if os.sep + "site-packages" + os.sep in path or os.sep + "dist-packages" + os.sep in path:
        return True
    return is_machinery(path) or path.startswith(_LIBRARY_FOLDERS)


def working_directory() -> str:
    """Where the process is; empty if that directory is there no more."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def position(code: CodeType, instruction: int) -> tuple[int, int, int, int]:
    """First line, last line, first column, column after the last of an instruction (offset in bytes); -1 if unknown."""
    found = next(itertools.islice(code.co_positions(), max(instruction, 0) // 2, None), (None, None, None, None))
    line = found[0] if found[0] is not None else code.co_firstlineno
    end = found[1] if found[1] is not None else line
    return line, end, *(column if column is not None else -1 for column in found[2:])  # type: ignore[return-value]


def place_of_frame(frame: Any) -> tuple[str, int, str]:
    """File, line and function name of where a frame is."""
    code = frame.f_code
    return code.co_filename, frame.f_lineno or code.co_firstlineno, code.co_qualname


def line_of(code: Any, instruction: int) -> int:
    """The line of an instruction."""
    return position(code, instruction)[0] if isinstance(code, CodeType) else 0


def name_of(code: Any) -> str:
    """The qualified name of a coroutine function, given its code; a class for a foreign coroutine."""
    return getattr(code, "co_qualname", None) or getattr(code, "__qualname__", None) or repr(code)


def name_of_coroutine(coroutine: Any) -> str:
    """The qualified name of a coroutine; the class of one that has none, such as ``aclose()`` gives."""
    return getattr(coroutine, "__qualname__", None) or type(coroutine).__qualname__


def place_of(code: Any, instruction: int | None = None) -> tuple[str, int, str]:
    """File, line and function name."""
    if not isinstance(code, CodeType):
        return "", 0, name_of(code)
    line = code.co_firstlineno if instruction is None else line_of(code, instruction)
    return code.co_filename, line, code.co_qualname
