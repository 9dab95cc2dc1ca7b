"""Checks that the word `unsafe` occurs in Rust code only in the folders that layers.toml allows.

The compiler checks the same by `deny(unsafe_code)`, but an attribute lifts that quietly; this list has to be changed in
the open.

usage: check_unsafe.py        prints each place; exits with 1 if there is one
"""

import re
import sys
import tomllib

from committed_files import ROOT, committed_files
from rust_source import code_only


def main() -> int:
    """Checks every Rust file; returns the exit status."""
    allowed = tuple(tomllib.loads((ROOT / "layers.toml").read_text(encoding="utf-8"))["unsafe"]["allowed"])
    complaints = []
    for file in committed_files("*.rs"):
        name = file.relative_to(ROOT).as_posix()
        if name.startswith(allowed):
            continue
        for number, line in enumerate(code_only(file.read_text(encoding="utf-8")).splitlines(), 1):
            if re.search(r"\bunsafe\b", line):
                complaints.append(f"{name}:{number}: unsafe code outside of {', '.join(allowed)}")
    print("\n".join(complaints) if complaints else "unsafe: only in its folders")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
