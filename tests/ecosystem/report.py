"""The lines on the terminal, the results of one version as JSON, and docs/ecosystem.md from those of all versions."""

import json
import platform
import subprocess
import tomllib
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from result import DIFFERS, SAME, Result
from services import nginx
from services.debian import Unavailable

ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARIES = Path(__file__).resolve().parent / "libraries.toml"
# What tepal's wheel is built from; a commit that touches none of it does not change what was run.
BUILT_FROM = ("crates", "python", "pyproject.toml", "Cargo.toml", "Cargo.lock")
HEAD = """# Real programs on tepal

Made by `make ecosystem PYTHON=3.x` on each version and `make ecosystem-table`; do not edit.

Each line is a scenario of `tests/ecosystem/scenarios/`: a program or a library used as its users use it, against real
servers on this machine. It runs once on asyncio and once on tepal, each time in a process of its own and with a time
limit. **same**: it passed on both, what was observed is equal, and on tepal nothing more was logged as an error and no
more descriptors were left open. **differs**: it passed on asyncio and not, or not equally, on tepal. *void*: it fails
on asyncio already, so that it says nothing. *skipped*: the library or the server cannot be had there. –: not run there
since the results were last begun anew. The commit is the last one that changed what tepal is built from; with more than
one, the scenarios that ran on each are counted.
"""


def show(result: Result) -> None:
    """Prints one line when a scenario is done, so that a failure shows early."""
    loud = result.result if result.result == SAME else result.result.upper()
    times = "/".join(f"{seconds:.1f}" for seconds in result.seconds)
    print(f"{loud:8} {result.library}: {result.scenario} ({times} s) {result.note}".rstrip(), flush=True)


def print_failures(results: list[Result]) -> None:
    """Prints what differs, each with its details, and then what was skipped or is void."""
    for one in results:
        if one.result == DIFFERS:
            print(f"\nDIFFERS {one.library}: {one.scenario}: {one.note}\n{one.detail.rstrip()}")
    for one in results:
        if one.result not in (SAME, DIFFERS):
            print(f"\n{one.result.upper()} {one.library}: {one.scenario}: {one.note}")


def closing_line(results: list[Result]) -> str:
    """Returns the line that counts."""
    passed = sum(one.result == SAME for one in results)
    failed = sum(one.result == DIFFERS for one in results)
    return f"{passed} passed, {failed} failed, {len(results) - passed - failed} skipped"


def library_versions() -> dict[str, str]:
    """Returns the installed version of each library of libraries.toml and of what its scenarios need beside it."""
    versions: dict[str, str] = {}
    for requirements in tomllib.loads(LIBRARIES.read_text(encoding="utf-8"))["libraries"].values():
        for requirement in requirements:
            name = Requirement(requirement).name
            try:
                versions[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
    return versions


def built_commit(root: Path = ROOT) -> str:
    """Returns the short hash of the last commit under `root` that changed what tepal is built from.

    "+" behind it: there were changes that no commit holds. Without git it is a dash.
    """
    found = []
    for words in (["log", "-1", "--format=%h", "--", *BUILT_FROM], ["status", "--porcelain", "--", *BUILT_FROM]):
        try:
            done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, timeout=30, check=False)
        except FileNotFoundError:
            return "–"
        if done.returncode:
            return "–"
        found.append(done.stdout.strip())
    commit, changes = found
    return f"{commit or '–'}{'+' if changes else ''}"


def save(
    path: Path, version: str, results: list[Result], services: dict[str, str], *, commit: str, whole: bool
) -> None:
    """Writes the results for `write_markdown`; those of a part of the scenarios replace what `path` says of them."""
    try:
        services = {**services, "nginx": nginx.version()}
    except Unavailable:
        pass
    new = [{**one.as_json(), "commit": commit} for one in results]
    if not whole and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        services = {**before["services"], **services}
        repeated = {(one["library"], one["scenario"]) for one in new}
        new = [one for one in before["results"] if (one["library"], one["scenario"]) not in repeated] + new
    written = {
        "version": version,
        "interpreter": " ".join((platform.python_implementation(), platform.python_version(), platform.machine())),
        "tepal": metadata.version("tepal"),
        "libraries": library_versions(),
        "services": services,
        "results": new,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def table(rows: list[list[str]]) -> str:
    """Returns a Markdown table; the first row is its head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"|{' --- |' * len(rows[0])}")
    return "\n".join(lines)


def sentence(text: str) -> str:
    """Returns text that may stand in a cell; a path of this machine is one from the checkout's root on."""
    return text.replace(f"{ROOT}/", "").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def commits(results: list[dict[str, Any]]) -> str:
    """Returns the commit that results were made on; of several, each with the number of its results."""
    counted = Counter(one.get("commit", "–") for one in results)
    if len(counted) < 2:
        return "".join(counted)
    return ", ".join(f"{commit} ({count})" for commit, count in counted.most_common())


def summary(runs: list[dict[str, Any]]) -> str:
    """Returns the table of the versions that were run."""
    rows = [["version", "interpreter", "commit", "same", "differs", "void", "skipped", "servers"]]
    for run in runs:
        counted = [one["result"] for one in run["results"]]
        servers = ", ".join(f"{name} {version}" for name, version in sorted(run["services"].items()))
        counts = [str(counted.count(word)) for word in ("same", "differs", "void", "skipped")]
        rows.append([run["version"], run["interpreter"], commits(run["results"]), *counts, servers])
    return table(rows)


def section(library: str, requirements: list[str], runs: list[dict[str, Any]]) -> str:
    """Returns the part about one library: its versions, and a line for each scenario."""
    names = [Requirement(requirement).name for requirement in requirements]
    versions = [["version of", *(run["version"] for run in runs)]]
    for name in names:
        versions.append([name, *(run["libraries"].get(name, "–") for run in runs)])
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for run in runs:
        for one in sorted(run["results"], key=lambda one: one["scenario"].lower()):
            if one["library"] == library:
                found.setdefault(one["scenario"], {})[run["version"]] = one
    rows = [["scenario", *(run["version"] for run in runs)]]
    notes: list[str] = []
    for scenario, results in found.items():
        cells = []
        for run in runs:
            one = results.get(run["version"])
            word = "–" if one is None else one["result"]
            cells.append({"differs": "**differs**", "void": "*void*", "skipped": "*skipped*"}.get(word, word))
            if one is not None and one["note"]:
                notes.append(f"- {scenario}, {run['version']}: {word}: {sentence(one['note'])}")
        rows.append([scenario, *cells])
    if len(rows) == 1:
        return ""
    parts = [f"## {library}", table(rows), table(versions), *(["\n".join(notes)] if notes else [])]
    return "\n\n".join(parts)


def write_markdown(path: Path, folder: Path) -> None:
    """Writes the table from every `3.x/results.json` in `folder`; SystemExit if there is none."""
    files = sorted(folder.glob("*/results.json"), key=lambda file: [int(n) for n in file.parent.name.split(".")])
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    if not runs:
        raise SystemExit(f"no results under {folder}; run make ecosystem first")
    libraries = tomllib.loads(LIBRARIES.read_text(encoding="utf-8"))["libraries"]
    parts = [section(library, requirements, runs) for library, requirements in libraries.items()]
    text = "\n\n".join([HEAD.rstrip(), summary(runs), *(part for part in parts if part)])
    path.write_text(text + "\n", encoding="utf-8")
