"""What tepal asks of the interpreter that imports it, and the words of refusal when it asks in vain.

This file runs before the native module is loaded, possibly on an interpreter that tepal does not support at all. It
must therefore compile on any Python 3.7 or newer and import nothing but the standard library's smallest modules.
"""

from __future__ import annotations

import importlib
import os
import sys

OLDEST = (3, 11)
"""The oldest CPython that tepal is built and tested for, as ``(major, minor)``."""

PLATFORMS = ("linux",)
"""The values of ``sys.platform`` for which tepal has a kernel layer."""


def require_supported_interpreter(
    version: tuple[int | str, ...] = sys.version_info,
    implementation: str = sys.implementation.name,
    platform: str = sys.platform,
) -> None:
    """Raise ``ImportError``, naming what is missing, unless tepal can run on this interpreter.

    The arguments stand for ``sys.version_info``, ``sys.implementation.name`` and ``sys.platform``; a test passes
    others.
    """
    if implementation != "cpython":
        raise ImportError(
            f"tepal needs CPython, this is {implementation}: its Task and Future are native types on CPython's C API. "
            "Use asyncio's own event loop here."
        )
    if tuple(version[:2]) < OLDEST:
        raise ImportError(
            f"tepal needs CPython {_dotted(OLDEST)} or newer, this is {_dotted(version[:3])}: older versions lack "
            "asyncio.Runner, Task.uncancel() and the context argument of create_task(), which tepal builds on."
        )
    if platform not in PLATFORMS:
        raise ImportError(
            f"tepal runs on Linux only as yet, this platform is {platform!r}. Use asyncio's own event loop here, "
            "for instance: loop_factory = tepal.new_event_loop if sys.platform == 'linux' else None."
        )
    if _in_subinterpreter():
        raise ImportError(
            "tepal does not work in a sub-interpreter yet: its native types belong to the main interpreter. "
            "Use asyncio's own event loop here."
        )


def _in_subinterpreter() -> bool:
    """Tell whether this is another interpreter than the process's first."""
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    try:
        interpreters = importlib.import_module(name)
    except ImportError:  # built without them: there is only one
        return False
    return bool(interpreters.get_current() != interpreters.get_main())


def missing_native_module(directories: list[str]) -> ImportError:
    """Return the error to raise when ``tepal._native`` is not found in ``directories``, the package's ``__path__``."""
    tag = sys.implementation.cache_tag
    built = sorted(
        name
        for directory in directories
        if os.path.isdir(directory)
        for name in os.listdir(directory)
        if name.startswith("_native.") and name.endswith(".so")
    )
    found = f"only {', '.join(built)}, built for another interpreter, is there" if built else "it was never built"
    return ImportError(
        f"tepal's native module, tepal._native, is missing for this interpreter ({tag}): {found}. "
        "Install tepal with this interpreter's pip ('python -m pip install --force-reinstall tepal'), "
        "or run 'make develop' in a checkout.",
        name="tepal._native",
    )


def _dotted(version: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in version)
