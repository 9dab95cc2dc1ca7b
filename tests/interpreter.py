"""Runs a script in a fresh interpreter, for what a test process cannot do to itself.

Interpreter exit, real signals and a million tasks belong in a process of their
own.  The script finds ``library`` (see library.py) and ``asyncio`` imported.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

TESTS = pathlib.Path(__file__).resolve().parent

_PREAMBLE = """\
import asyncio, os, sys
sys.path.insert(0, {tests!r})
import library as _library
library = _library.load({name!r})
"""


def _source(library_name: str, script: str) -> str:
    return _PREAMBLE.format(tests=str(TESTS), name=library_name) + textwrap.dedent(script)


def start(
    library_name: str,
    script: str,
    *arguments: str,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start ``script`` with piped standard streams; the caller ends the process."""
    return subprocess.Popen(
        [sys.executable, *options, "-c", _source(library_name, script), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )


def run(
    library_name: str,
    script: str,
    *arguments: str,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    timeout: float = 20.0,
) -> subprocess.CompletedProcess[str]:
    """Run ``script`` to its end; raises ``subprocess.TimeoutExpired`` after ``timeout`` seconds."""
    child = start(library_name, script, *arguments, options=options, environment=environment)
    try:
        output, errors = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        output, errors = child.communicate()
        raise AssertionError(f"the script hung; so far:\n{output}\n{errors}") from None
    return subprocess.CompletedProcess(child.args, child.returncode, output, errors)


def run_silently(library_name: str, script: str, **options: object) -> str:
    """Run ``script``; fail unless it exits with 0 and writes no error; return its output."""
    finished = run(library_name, script, **options)  # type: ignore[arg-type]
    assert (finished.returncode, finished.stderr) == (0, ""), (
        f"exit code {finished.returncode}, stdout:\n{finished.stdout}\nstderr:\n{finished.stderr}"
    )
    return finished.stdout
