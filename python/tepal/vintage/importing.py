"""The modules of a vintage program's own: translated when they are imported, wherever else they would be found.

Modules of Python's library and of installed packages stay what they are, and no translated code gets into
``__pycache__``, where other programs would find it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import site
import sys
import sysconfig
import types
from collections.abc import Sequence
from typing import Any

from tepal.vintage.refusal import RefusedImportError, place_of
from tepal.vintage.removed import REMOVED_MODULES
from tepal.vintage.translation import translate

__all__ = ("Loader", "translate_imports")


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a Python file as a vintage program."""

    def get_code(self, fullname: str) -> types.CodeType:
        """Return the translated code; raises ``SyntaxError``, or ``RefusedSyntaxError`` for a Python that is gone."""
        path = self.get_filename(fullname)
        return translate(self.get_data(path), path)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules below certain directories, where Python itself would find them."""

    def __init__(self) -> None:
        self.directories: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec with our loader for a Python file of the program's, ``None`` for everything else."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or type(spec.loader) is not importlib.machinery.SourceFileLoader or spec.origin is None:
            return None
        if not self._is_of_the_program(spec.origin):
            return None
        spec.loader = Loader(fullname, spec.origin)
        spec.cached = None
        return spec

    def _is_of_the_program(self, file: str) -> bool:
        file = os.path.realpath(file)
        return any(_is_below(file, each) for each in self.directories) and not any(
            _is_below(file, each) for each in _foreign() if not any(_is_below(own, each) for own in self.directories)
        )


class _Removed(importlib.abc.MetaPathFinder):
    """Comes last, and tells a vintage program why a module of its time is not there."""

    def __init__(self, finder: _Finder) -> None:
        self._finder = finder

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raise ``RefusedImportError`` if a module of a vintage program asks for one that was removed."""
        reason = REMOVED_MODULES.get(fullname)
        if reason is None:
            return
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
            frame = frame.f_back
        if frame is not None and self._finder._is_of_the_program(frame.f_code.co_filename):
            raise RefusedImportError(f"no module named {fullname!r}: {reason}", fullname, *place_of(frame))


def _is_below(file: str, directory: str) -> bool:
    return file == directory or file.startswith(os.path.join(directory, ""))


def _foreign() -> set[str]:
    """Return the directories of Python's library, of installed packages and of tepal, wherever that one is."""
    directories = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    directories |= {*site.getsitepackages(), site.getusersitepackages()}
    directories |= {entry for entry in sys.path if os.path.basename(entry) in ("site-packages", "dist-packages")}
    directories.add(os.path.dirname(os.path.dirname(__file__)))
    return {os.path.realpath(each) for each in directories if each}


_finder = _Finder()


def translate_imports(directory: str) -> None:
    """Have every module below ``directory`` that is imported from now on translated, as under ``run --vintage``.

    Modules that are imported already stay as they are, as do installed packages, wherever they are.
    """
    if not _finder.directories:
        # Where PathFinder stands, not before: modules of the interpreter's own come first.
        places = [index for index, each in enumerate(sys.meta_path) if each is importlib.machinery.PathFinder]
        sys.meta_path.insert(places[0] if places else len(sys.meta_path), _finder)
        sys.meta_path.append(_Removed(_finder))
    directory = os.path.realpath(directory)
    if directory not in _finder.directories:
        _finder.directories.append(directory)
