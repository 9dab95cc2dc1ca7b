"""The table on the terminal, the results of one version as JSON, and docs/conformance.md from those of all versions."""

import json
import platform
from pathlib import Path
from typing import Any

import selection
import subject
from outcomes import ModuleOutcome, last_line, totals

COLUMNS = ("mode", "module", "run", "passed", "failed", "expected failures", "skipped", "seconds")
# Tracebacks on the terminal; a build that cannot make a loop fails in a thousand tests at once.
MAXIMUM_EXAMPLES = 20


def row(outcome: ModuleOutcome) -> tuple[str, ...]:
    """Returns the cells of one module in one mode."""
    counts = (outcome.run, outcome.passed, len(outcome.failures), len(outcome.expected), outcome.skipped)
    return (outcome.mode, outcome.module, *map(str, counts), f"{outcome.seconds:.1f}")


def print_table(outcomes: list[ModuleOutcome]) -> None:
    """Prints the table of one run, a line per mode and module, in columns."""
    rows = [COLUMNS, *(row(outcome) for outcome in sorted(outcomes, key=order))]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(COLUMNS))]
    for cells in rows:
        words = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        print("  ".join(words).rstrip())


def order(outcome: ModuleOutcome) -> tuple[int, int]:
    """Sorts by mode and then by module, both in the order in which selection.py names them."""
    modules = selection.MODULES + selection.NETWORK_MODULES + selection.PAIR_MODULES
    return list(subject.MODES).index(outcome.mode), modules.index(outcome.module)


def print_failures(outcomes: list[ModuleOutcome], log: Path) -> None:
    """Prints each expected failure on a line, then tracebacks, then what failed, a line each.

    One traceback stands for all failures that end in the same line; `log` receives every one of them.
    """
    for outcome in outcomes:
        for failure in outcome.expected:
            print(f"expected failure: [{failure.mode}] {failure.test}: {failure.note}")
    failures = [failure for outcome in outcomes for failure in outcome.failures]
    texts = [f"FAILED [{failure.mode}] {failure.test}\n{failure.note.rstrip()}\n" for failure in failures]
    log.write_text("\n".join(texts), encoding="utf-8")
    examples = {
        last_line(failure.note): text for failure, text in zip(reversed(failures), reversed(texts), strict=True)
    }
    for text in list(examples.values())[:MAXIMUM_EXAMPLES]:
        print(f"\n{text}", end="")
    if failures:
        print("\nAll that failed:")
    modes: dict[tuple[str, str], list[str]] = {}
    for failure in failures:
        modes.setdefault((failure.test, last_line(failure.note)), []).append(failure.mode)
    for (test, note), found in modes.items():
        print(f"  {test} [{', '.join(found)}]: {note}")


def save(path: Path, version: str, outcomes: list[ModuleOutcome], names: dict[str, str]) -> None:
    """Writes the results of one whole run for `write_markdown`."""
    results = {
        "version": version,
        "interpreter": " ".join((platform.python_implementation(), platform.python_version(), platform.machine())),
        "subject": names,
        "modules": [outcome.as_json() for outcome in sorted(outcomes, key=order)],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def cell(module: dict[str, Any] | None) -> str:
    """Returns what the Markdown table says of one module on one version."""
    if module is None or module["run"] + module["skipped"] == 0:
        return "–"
    text = str(module["passed"])
    if module["failures"]:
        text += f", **{len(module['failures'])} failed**"
    if module["expected"]:
        text += f", {len(module['expected'])} expected"
    if module["skipped"]:
        text += f", {module['skipped']} skipped"
    return text


def markdown_row(cells: list[str]) -> str:
    """Returns one line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def mode_table(mode: str, results: list[dict[str, Any]]) -> list[str]:
    """Returns the lines of the table of one mode: a line per module, a column per version."""
    found = [{module["module"]: module for module in result["modules"] if module["mode"] == mode} for result in results]
    names = [
        name
        for name in selection.MODULES + selection.NETWORK_MODULES + selection.PAIR_MODULES
        if any(cell(modules.get(name)) != "–" for modules in found)
    ]
    if not names:
        return []
    lines = ["", f"## Mode `{mode}`", "", subject.MODES[mode][0].upper() + subject.MODES[mode][1:] + ".", ""]
    lines.append(markdown_row(["module", *(result["version"] for result in results)]))
    lines.append(markdown_row(["---"] + ["---:"] * len(results)))
    lines += [markdown_row([name, *(cell(modules.get(name)) for modules in found)]) for name in names]
    return lines


def listed(results: list[dict[str, Any]], kind: str) -> list[str]:
    """Returns a Markdown list of the failures of a kind, `failures` or `expected`, each with its versions."""
    versions: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        for module in result["modules"]:
            for failure in module[kind]:
                key = (failure["mode"], failure["test"], failure["note"])
                versions.setdefault(key, []).append(result["version"])
    return [
        f"- `{test}`, mode `{mode}`, on {', '.join(found)}: {note}" for (mode, test, note), found in versions.items()
    ] or ["None."]


INTRODUCTION = """\
# Conformance: CPython's own tests, run against tepal

Made by `make conformance PYTHON=3.x` on each version and `make conformance-table`; do not edit.

The tests are those of the interpreter that runs them (`test.test_asyncio`), unchanged. `tests/cpython/` puts tepal's
classes into asyncio's places, in five modes, and runs each module in a process of its own. A cell says how many tests
passed; "–" means that the module does not exist in that version or has no test that meets tepal in that mode. In the
modes with tepal's loop, a test that passes without ever making a loop of tepal's is not counted.

Left out: the copies of a test class for another selector (tepal does not use the selector that it is passed), the
pure-Python twins of test classes except under tepal's loop (elsewhere they test asyncio alone), and classes that test a
private class of asyncio with mocks. The modules of transports, servers, subprocesses and TLS run in the modes `plain`
and `loop`. `tests/cpython/selection.py` names each.
"""


def write_markdown(path: Path, folder: Path) -> None:
    """Writes the table of every version that has results in `folder`. Raises FileNotFoundError if there are none."""
    files = sorted(folder.glob("3.*.json"), key=lambda file: int(file.stem.partition(".")[2]))
    if not files:
        raise FileNotFoundError(f"no results in {folder}: run `make conformance` first")
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    lines = [INTRODUCTION, markdown_row(["version", "interpreter", "passed", "failed", "expected failures", "skipped"])]
    lines.append(markdown_row(["---", "---"] + ["---:"] * 4))
    for result in results:
        modules = result["modules"]
        counts = [
            sum(module["passed"] for module in modules),
            sum(len(module["failures"]) for module in modules),
            sum(len(module["expected"]) for module in modules),
            sum(module["skipped"] for module in modules),
        ]
        lines.append(markdown_row([result["version"], result["interpreter"], *map(str, counts)]))
    for mode in subject.MODES:
        lines += mode_table(mode, results)
    lines += ["", "## Failures", "", *listed(results, "failures"), "", "## Expected failures", ""]
    lines += listed(results, "expected")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def closing_line(outcomes: list[ModuleOutcome]) -> str:
    """Returns the last line of a run."""
    passed, failed, expected, skipped = totals(outcomes)
    before = f"expected failures: {expected}\n" if expected else ""
    return f"{before}{passed} passed, {failed} failed, {skipped} skipped"
