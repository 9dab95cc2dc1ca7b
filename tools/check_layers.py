"""Checks that imports point one way: in both Rust crates and in the Python package, as layers.toml says.

A Rust module is a file or folder right under `src`; what counts is every path that starts with `crate::` (or leaves the
module by `super::`), outside of comments. A Python module is a file or folder right under the package; what counts is
every import of the package's own names, inside functions and under TYPE_CHECKING as well. A module that layers.toml
does not name is an error, and so is a name in layers.toml without a module.

usage: check_layers.py        prints each import that points up or sideways; exits with 1 if there is one
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from rust_source import code_only

ROOT = Path(__file__).resolve().parent.parent
Import = tuple[Path, int, str]


def names_after(code: str, position: int) -> list[str]:
    """Returns the first name of the path, or of each path of the `{...}` group, that starts at `position`."""
    if not code.startswith("{", position):
        found = re.compile(r"\w+").match(code, position)
        return [found.group()] if found else []
    names, depth, expects_name = [], 0, False
    for token in re.finditer(r"[{},]|\w+", code[position:]):
        text = token.group()
        if text == "{":
            depth += 1
            expects_name = depth == 1
        elif text == "}":
            depth -= 1
            if depth == 0:
                break
        elif text == ",":
            expects_name = depth == 1
        elif expects_name:
            names.append(text)
            expects_name = False
    return names


def module_of(source: Path, file: Path) -> str:
    """Returns the name of the module right under `source` that a file belongs to."""
    return file.relative_to(source).parts[0].removesuffix(file.suffix)


def rust_imports(source: Path, file: Path) -> Iterator[Import]:
    """Yields (file, line, module) for each mention of a module of the same crate."""
    code = code_only(file.read_text(encoding="utf-8"))
    prefixes = [r"(?<!\$)\bcrate::"]
    parts = file.relative_to(source).parts
    if len(parts) == 1 or parts[1:] == ("mod.rs",):
        # Here `super` is the crate's root. Deeper down it stays within the module, and `super::super` is not written.
        prefixes.append(r"\bsuper::")
    for prefix in prefixes:
        for match in re.finditer(prefix, code):
            for name in names_after(code, match.end()):
                yield file, code.count("\n", 0, match.start()) + 1, name


def python_imports(package: str, source: Path, file: Path) -> Iterator[Import]:
    """Yields (file, line, module) for each import of the same package, `__init__` standing for the package itself."""
    modules = {path.stem for path in source.iterdir()} | {"_native"}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            base = f"{package}.{module}".rstrip(".") if node.level else module
            if base == package:
                # `from tepal import policy` is the module; `from tepal import run` is the package.
                found = [f"{base}.{alias.name}" if alias.name in modules else base for alias in node.names]
            else:
                found = [base]
        for name in found:
            if name == package or name.startswith(f"{package}."):
                rest = name.removeprefix(package).lstrip(".")
                yield file, getattr(node, "lineno", 0), rest.partition(".")[0] or "__init__"


def check(name: str, kind: str, source: Path, layers: list[list[str]]) -> list[str]:
    """Returns the complaints about one crate or package."""
    level = {module: number for number, names in enumerate(layers) for module in names}
    pattern = "*.rs" if kind == "rust" else "*.py"
    complaints, seen = [], set()
    for file in sorted(source.rglob(pattern)):
        module = module_of(source, file)
        seen.add(module)
        if module not in level:
            complaints.append(f"{file.relative_to(ROOT)}: layers.toml does not name the module {module} of {name}")
            continue
        imports = rust_imports(source, file) if kind == "rust" else python_imports(name, source, file)
        for where, line, target in imports:
            if target in level and target != module and level[target] >= level[module]:
                complaints.append(f"{where.relative_to(ROOT)}:{line}: {module} imports {target}, which is not below it")
    for missing in sorted(set(level) - seen - {"_native"}):
        complaints.append(f"layers.toml: {name} has no module {missing}")
    return complaints


def main() -> int:
    """Checks everything that layers.toml lists; returns the exit status."""
    table = tomllib.loads((ROOT / "layers.toml").read_text(encoding="utf-8"))
    complaints = []
    for kind in ("rust", "python"):
        for name, section in table[kind].items():
            complaints += check(name, kind, ROOT / section["source"], section["layers"])
    print("\n".join(complaints) if complaints else "layers: every import points down")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
