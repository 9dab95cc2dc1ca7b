"""Installs into the running interpreter's environment each peer of the group `bench` that can be installed on it.

A peer that has neither a wheel for this version nor a source that builds here is named with pip's last line and left
out: `make bench` measures the peers that are there. Exits with 1 only if none could be installed at all.

talyn's extension module names CPython's shared library as one that it needs. An interpreter that is linked statically,
as Debian's, comes without, and nothing is missing either: it has all of its symbols itself. An empty library of that
name satisfies the loader; `benches/measure/loops.py` loads it first.
"""

import ctypes
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
# Building a peer from source on two cores takes minutes; one that takes longer than this is not going to finish.
SECONDS_PER_PEER = 900


def install(requirement: str) -> str | None:
    """Installs one requirement (PEP 508); returns None, or the reason why it is not there."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--prefer-binary", requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_PER_PEER, check=False)
    except subprocess.TimeoutExpired:
        return f"its build did not end within {SECONDS_PER_PEER} s"
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"pip ended with status {done.returncode}"


def make_empty_libpython() -> str | None:
    """Makes ``build/bench/libpythonX.Y.so.1.0`` where there is none; returns None, or why that failed."""
    library = ROOT / "build" / "bench" / f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0"
    try:
        ctypes.CDLL(library.name)
    except OSError:
        return link_nothing(library)
    return None


def link_nothing(library: Path) -> str | None:
    """Makes a shared library without content; returns None, or why that failed."""
    library.parent.mkdir(parents=True, exist_ok=True)
    command = ["cc", "-shared", "-nostdlib", "-x", "c", "/dev/null", "-o", str(library), f"-Wl,-soname,{library.name}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.strip()


def main() -> int:
    """Installs the group; returns the exit status."""
    peers = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["dependency-groups"]["bench"]
    missing = {peer: reason for peer in peers if (reason := install(peer)) is not None}
    if (reason := make_empty_libpython()) is not None:
        print(f"no library for talyn: {reason}", file=sys.stderr)
    for peer, reason in missing.items():
        print(f"NOT INSTALLED on Python {sys.version.split()[0]}: {peer}: {reason}", file=sys.stderr)
    return 1 if len(missing) == len(peers) else 0


if __name__ == "__main__":
    sys.exit(main())
