"""Checks that no Rust, Python or JavaScript file is longer than layers.toml allows: a file is one noun.

A file that has to be longer is listed under [file-sizes.allowed] with its reason; a listed file that no longer needs it
is an error too.

usage: check_file_sizes.py    prints each file that is too long; exits with 1 if there is one
"""

import sys
import tomllib

from committed_files import ROOT, committed_files


def main() -> int:
    """Checks every file; returns the exit status."""
    rules = tomllib.loads((ROOT / "layers.toml").read_text(encoding="utf-8"))["file-sizes"]
    maximum, allowed = rules["maximum-lines"], dict(rules["allowed"])
    complaints = []
    for file in committed_files("*.rs", "*.py", "*.js"):
        name = file.relative_to(ROOT).as_posix()
        lines = file.read_text(encoding="utf-8").count("\n")
        listed = allowed.pop(name, None) is not None
        if lines > maximum and not listed:
            complaints.append(f"{name}: {lines} lines, more than {maximum}")
        elif listed and lines <= maximum:
            complaints.append(f"{name}: {lines} lines; it need not stand in [file-sizes.allowed]")
    complaints += [f"{name}: listed in [file-sizes.allowed] and not there" for name in allowed]
    print("\n".join(complaints) if complaints else f"file sizes: no file has more than {maximum} lines")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
