"""Programs, and what is to be found in them: everything that a comment names, and nothing else.

A line that ends in ``# expect: KIND`` is to be found; the programs in ``negative`` have none. For ``stuck`` the reason
follows, and each reason has a folder of its own: what a finding gives as its reason has to be right, too. Each program
runs twice: with all kinds, and with those that are on by default, for which a step of a Task takes another path
(crates/python/src/running/reported.rs).
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tepal.report.finding import DEFAULT_KINDS

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
KINDS = sorted(path.name for path in CORPUS.iterdir() if path.is_dir())
EXPECTED = re.compile(r"# expect: ([a-z-]+)(?: ([a-z]+))?$")
REASONS = {
    "nobody": "nobody is left who could complete it",
    "behind": "can go on no more",
    "cycle": "a cycle of Tasks that wait for each other",
    "swallowed": "swallowed the CancelledError",
}
"""What the message of a ``stuck`` finding says for each reason."""


def programs(kind: str, polarity: str) -> list[pathlib.Path]:
    return sorted((CORPUS / kind / polarity).glob("*.py"))


def kind_of(folder: str) -> str:
    """The kind of finding whose programs a folder has."""
    return folder.partition("-")[0] if folder.startswith("stuck-") else folder


def expected(path: pathlib.Path) -> set[tuple[str, str, int]]:
    """Kind, reason and number of each line that is to be found."""
    found = map(EXPECTED.search, path.read_text(encoding="utf-8").splitlines())
    return {(each.group(1), each.group(2) or "", number) for number, each in enumerate(found, start=1) if each}


def told(row: dict) -> set[tuple[str, str, int]]:
    """The same of what was found."""
    return {
        (kind, next((name for name, words in REASONS.items() if kind == "stuck" and words in message), ""), line)
        for kind, line, message in row["found"]
    }


@pytest.fixture(scope="module")
def results() -> dict[tuple[str, str, str], dict[str, dict]]:
    return {}


def result(results: dict, kinds: str, kind: str, polarity: str, path: pathlib.Path) -> dict:
    """What was found in one program; all of its folder run in one process, when the first is asked for."""
    if (kinds, kind, polarity) not in results:
        paths = [str(program) for program in programs(kind, polarity)]
        environment = {**os.environ, "TEPAL_REPORT": ""}
        finished = subprocess.run(
            [sys.executable, str(HERE / "corpus_process.py"), kinds, *paths], env=environment,
            capture_output=True, text=True, timeout=100, check=True,
        )  # fmt: skip
        rows = map(json.loads, finished.stdout.splitlines())
        results[kinds, kind, polarity] = {row["path"]: row for row in rows}
    return results[kinds, kind, polarity][str(path)]


def cases(polarity: str) -> list:
    return [
        pytest.param(kinds, kind, path, id=f"{kinds}-{kind}-{path.stem}")
        for kinds in ("all", "default")
        for kind in KINDS
        if kinds == "all" or kind_of(kind) in DEFAULT_KINDS
        for path in programs(kind, polarity)
    ]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kinds", "kind", "path"), cases("positive"))
def test_what_is_there_is_found(results, kinds, kind, path):
    wanted = expected(path)
    reason = kind.removeprefix("stuck-") if kind_of(kind) == "stuck" else ""
    assert any((name, why) == (kind_of(kind), reason) for name, why, _ in wanted), "the program names nothing to find"
    if kinds == "default":
        wanted = {each for each in wanted if each[0] in DEFAULT_KINDS}
    row = result(results, kinds, kind, "positive", path)
    assert row["error"] is None, row["error"]
    assert told(row) == wanted, row["found"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kinds", "kind", "path"), cases("negative"))
def test_nothing_else_is_found(results, kinds, kind, path):
    row = result(results, kinds, kind, "negative", path)
    assert row["error"] is None, row["error"]
    assert row["found"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_corpus_is_large_enough(kind):
    assert len(programs(kind, "positive")) >= 15
    assert len(programs(kind, "negative")) >= 15
