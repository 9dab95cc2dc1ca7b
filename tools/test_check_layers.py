"""The layer check must see what it is there for, and nothing else."""

from pathlib import Path

import check_layers
import pytest
from rust_source import code_only

LAYERS = [["sys"], ["reactor"], ["lib"]]


@pytest.fixture
def crate(tmp_path, monkeypatch):
    """A crate of three modules in which every import points down."""
    monkeypatch.setattr(check_layers, "ROOT", tmp_path)
    (tmp_path / "sys").mkdir()
    (tmp_path / "sys" / "mod.rs").write_text("mod epoll;\n")
    (tmp_path / "sys" / "epoll.rs").write_text("use super::Event;\n")
    (tmp_path / "reactor.rs").write_text("use crate::sys::{epoll, Event};\n")
    (tmp_path / "lib.rs").write_text("use crate::reactor;\n")
    return tmp_path


def complaints(crate: Path) -> list[str]:
    return check_layers.check("core", "rust", crate, LAYERS)


def test_downward_imports_pass(crate):
    assert complaints(crate) == []


@pytest.mark.parametrize(
    "code",
    [
        "use crate::reactor::Reactor;",
        "use crate::{reactor, sys};",
        "use crate::{sys::{epoll, Event}, reactor::Reactor};",
        "fn f() { crate::reactor::poll() }",
        "use super::reactor;",
    ],
)
def test_an_upward_import_is_named_with_its_line(crate, code):
    (crate / "sys" / "mod.rs").write_text(f"mod epoll;\n{code}\n")
    assert complaints(crate) == ["sys/mod.rs:2: sys imports reactor, which is not below it"]


@pytest.mark.parametrize(
    "code",
    [
        "// use crate::reactor;",
        "/// See [`crate::reactor`].",
        'const WORDS: &str = "crate::reactor";',
        "/* crate::reactor */",
    ],
)
def test_comments_and_strings_are_no_imports(crate, code):
    (crate / "sys" / "mod.rs").write_text(code)
    assert complaints(crate) == []


def test_unlisted_and_missing_modules_are_named(crate):
    (crate / "timers.rs").write_text("")
    (crate / "reactor.rs").unlink()
    assert complaints(crate) == [
        "timers.rs: layers.toml does not name the module timers of core",
        "layers.toml: core has no module reactor",
    ]


def test_python_imports_inside_functions_count(tmp_path, monkeypatch):
    monkeypatch.setattr(check_layers, "ROOT", tmp_path)
    (tmp_path / "low.py").write_text("def f():\n    from tepal import high\n    from tepal.high import g\n")
    (tmp_path / "high.py").write_text("from tepal.low import f\nimport tepal.low\n")
    found = check_layers.check("tepal", "python", tmp_path, [["low"], ["high"]])
    assert found == [
        "low.py:2: low imports high, which is not below it",
        "low.py:3: low imports high, which is not below it",
    ]


def test_code_only_keeps_lines_and_lifetimes():
    text = "fn f<'a>(x: &'a str) -> char {\n    // unsafe\n    '\"'\n}\nunsafe fn g() {}\n"
    code = code_only(text)
    assert code.count("\n") == text.count("\n")
    assert "&'a str" in code
    assert code.splitlines()[4] == "unsafe fn g() {}"
    assert code.count("unsafe") == 1
