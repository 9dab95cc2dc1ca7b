"""Processes that a vintage program starts through ``multiprocessing``: they are vintage as well.

A process that is spawned or comes from the fork server imports the program's file, as ``__mp_main__``, and has to
translate it. As in ``tepal.spawned``, an object in what it is given to prepare itself unpickles into the call that
sees to that in time.
"""

from __future__ import annotations

import multiprocessing
import sys
import types
from collections.abc import Callable
from multiprocessing import spawn
from typing import Any

from tepal.vintage.importing import Loader

__all__ = ("reach",)

KEY = "tepal.vintage"


class _Prepare:
    """Unpickles into a call of ``prepare(directory)``."""

    def __init__(self, prepare: Callable[[str], None], directory: str) -> None:
        self._call = prepare, (directory,)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return self._call


def reach(prepare: Callable[[str], None], directory: str) -> None:
    """Have processes that this one will spawn call ``prepare(directory)`` first, and translate the program's file."""
    spawn._fixup_main_from_path = _import_main  # type: ignore[attr-defined]
    preparation_data = spawn.get_preparation_data
    if getattr(preparation_data, KEY, False):
        return

    def get_preparation_data(name: str) -> dict[str, Any]:
        data: dict[str, Any] = preparation_data(name)
        data[KEY] = _Prepare(prepare, directory)
        return data

    vars(get_preparation_data).update({**vars(preparation_data), KEY: True})  # tepal.spawned marks it, too
    spawn.get_preparation_data = get_preparation_data
    # The fork server would import the program's file by itself, before it knows of us.
    multiprocessing.set_forkserver_preload([])


def _import_main(path: str) -> None:
    """Import the program's file as ``__mp_main__``, as ``multiprocessing.spawn`` does, but translated."""
    main = sys.modules["__main__"]
    if getattr(main, "__file__", None) == path:
        return
    spawn.old_main_modules.append(main)
    module = types.ModuleType("__mp_main__")
    loader = Loader("__mp_main__", path)
    module.__file__ = path
    module.__loader__ = loader
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    exec(loader.get_code("__mp_main__"), vars(module))
