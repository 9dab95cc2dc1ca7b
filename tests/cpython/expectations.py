"""The list of expected failures: `expected_failures.toml`, one table each, strict in both directions.

    [[expected]]
    test = "test_tasks.CTask_CFuture_Tests.test_name"    # shell pattern over module.Class.test
    modes = ["task"]                                     # of run.py --help
    versions = ["3.11", "3.12"]
    reason = "A sentence that a CPython core developer would accept."

A listed test that passes, and an entry that matches no test of a module that was run, count as failures.
"""

import fnmatch
import tomllib
from dataclasses import dataclass
from pathlib import Path

import subject

LIST = Path(__file__).resolve().parent / "expected_failures.toml"
VERSIONS = frozenset({"3.11", "3.12", "3.13", "3.14", "3.15"})


@dataclass(frozen=True)
class Expectation:
    """One entry of the list."""

    test: str
    modes: tuple[str, ...]
    versions: tuple[str, ...]
    reason: str

    def matches(self, mode: str, test: str) -> bool:
        """Tells whether this entry is about the test `module.Class.test` in `mode`."""
        return mode in self.modes and fnmatch.fnmatchcase(test, self.test)

    @property
    def module(self) -> str:
        """The test module that the entry is about."""
        return self.test.partition(".")[0]


def read(version: str, path: Path = LIST) -> list[Expectation]:
    """Returns the entries for one version, "3.14".

    Raises ValueError for an entry that lacks a word or names an unknown mode or version.
    """
    entries = []
    for table in tomllib.loads(path.read_text(encoding="utf-8")).get("expected", []):
        if set(table) != {"test", "modes", "versions", "reason"}:
            raise ValueError(f"{path.name}: an entry has exactly test, modes, versions and reason: {table}")
        entry = Expectation(table["test"], tuple(table["modes"]), tuple(table["versions"]), table["reason"].strip())
        if not set(entry.modes) <= set(subject.MODES) or not set(entry.versions) <= VERSIONS:
            raise ValueError(f"{path.name}: unknown mode or version: {table}")
        if not entry.modes or not entry.versions or not entry.reason:
            raise ValueError(f"{path.name}: an entry needs a mode, a version and a reason: {table}")
        if version in entry.versions:
            entries.append(entry)
    return entries
