"""Checks every committed text for what must not be in it: paths of somebody's machine, package registries' hosts,
unfinished work.

usage: check_text.py          prints each line; exits with 1 if there is one
"""

import re
import sys

from committed_files import ROOT, committed_files

# The words are put together here so that this file does not find itself.
FORBIDDEN = (
    (re.compile(r"(?<![\w.])/(" + "work|root|farm|opt|tmp|home" + r")/\w"), "a path of one machine"),
    (re.compile("|".join((r"py" + r"pi\.org", r"python" + r"hosted\.org", r"crates" + r"\.io\b", r"npm" + r"js\.org",
                          r"deb\." + r"debian\.org"))), "the host of a package registry"),
    (re.compile(r"\b(TO" + "DO|FIX" + "ME|X" + r"XX)\b"), "a note of unfinished work"),
)  # fmt: skip
# Cargo writes the name of the index that a crate came from into its lock file.
EXEMPT = {"Cargo.lock"}


def main() -> int:
    """Checks every file that is text; returns the exit status."""
    complaints = []
    for file in committed_files():
        name = file.relative_to(ROOT).as_posix()
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            complaints += [
                f"{name}:{number}: {what}: {line.strip()[:120]}"
                for pattern, what in FORBIDDEN
                if name not in EXEMPT and pattern.search(line)
            ]
    print("\n".join(complaints) if complaints else "text: no machine paths, registry hosts or unfinished work")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
