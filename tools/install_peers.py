"""Installs into the running interpreter's environment each peer of the group `bench` that can be installed on it.

A peer that has neither a wheel for this version nor a source that builds here is named with pip's last line and left
out: `make bench` measures the peers that are there. Exits with 1 only if none could be installed at all.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
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


def main() -> int:
    """Installs the group; returns the exit status."""
    peers = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["dependency-groups"]["bench"]
    missing = {peer: reason for peer in peers if (reason := install(peer)) is not None}
    for peer, reason in missing.items():
        print(f"NOT INSTALLED on Python {sys.version.split()[0]}: {peer}: {reason}", file=sys.stderr)
    return 1 if len(missing) == len(peers) else 0


if __name__ == "__main__":
    sys.exit(main())
