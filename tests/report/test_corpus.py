"""Programs, and what is to be found in them: everything that a comment names, and nothing else.

A line that ends in ``# expect: KIND`` is to be found; the programs in ``negative`` have none. Each runs twice: with all
kinds, and with those that are on by default, for which a step of a Task takes another path
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
EXPECTED = re.compile(r"# expect: ([a-z-]+)$")


def programs(kind: str, polarity: str) -> list[pathlib.Path]:
    return sorted((CORPUS / kind / polarity).glob("*.py"))


def expected(path: pathlib.Path) -> set[tuple[str, int]]:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return {(found.group(1), number) for number, line in lines if (found := EXPECTED.search(line))}


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
        if kinds == "all" or kind in DEFAULT_KINDS
        for path in programs(kind, polarity)
    ]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kinds", "kind", "path"), cases("positive"))
def test_what_is_there_is_found(results, kinds, kind, path):
    wanted = expected(path)
    assert any(name == kind for name, _ in wanted), "the program names nothing to find"
    if kinds == "default":
        wanted = {(name, line) for name, line in wanted if name in DEFAULT_KINDS}
    row = result(results, kinds, kind, "positive", path)
    assert row["error"] is None, row["error"]
    assert {(name, line) for name, line, _ in row["found"]} == wanted, row["found"]


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
