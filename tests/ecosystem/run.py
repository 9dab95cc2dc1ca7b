"""Runs real programs and libraries against real servers, on asyncio and on tepal, and compares what came of it.

    python tests/ecosystem/run.py                                    everything
    python tests/ecosystem/run.py --library uvicorn --only websocket   a part
    python tests/ecosystem/run.py --results build/ecosystem/3.14/results.json
    python tests/ecosystem/run.py --table docs/ecosystem.md --from build/ecosystem

Each scenario runs in a process of its own, once per loop. Ends with the line "N passed, N failed, N skipped"; the exit
status is 0 only if something passed and nothing failed.
"""

import argparse
import importlib
import json
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import report
from processes import adopt_orphans, end_below
from result import DIFFERS, SAME, SKIPPED, VOID, Result, difference, last_line
from scenario import Scenario, registered
from services import Services
from services.debian import Unavailable
from subject import SUBJECTS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VERSION = "{}.{}".format(*sys.version_info)
# A scenario's own time limit ends it; its process gets this much more to import libraries and to write its outcome.
GRACE = 15.0


def arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", action="append", metavar="NAME", help="only this library; may be repeated")
    parser.add_argument("--only", default="", metavar="TEXT", help="only scenarios whose name contains TEXT")
    parser.add_argument("--without", default="", metavar="TEXT", help="leave out scenarios whose name contains TEXT")
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="write the results as JSON; those of a part replace what they repeat",
    )
    parser.add_argument("--missing", type=Path, metavar="FILE", help="what install.py could not install")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the Markdown table and run nothing")
    parser.add_argument("--from", dest="folder", type=Path, default=ROOT / "build" / "ecosystem", metavar="FOLDER")
    parser.add_argument("--list", action="store_true", help="print the scenarios that would run")
    return parser.parse_args()


def modules() -> dict[str, str]:
    """Imports every module of scenarios/ and returns the module's name of each (library, scenario)."""
    found: dict[str, str] = {}
    for file in sorted((HERE / "scenarios").glob("*.py")):
        before = len(registered())
        importlib.import_module(f"scenarios.{file.stem}")
        found |= {f"{one.library}/{one.name}": file.stem for one in registered()[before:]}
    return found


def missing_libraries(file: Path | None) -> dict[str, str]:
    """Returns the libraries that install.py could not install, with the reasons."""
    if file is None or not file.exists():
        return {}
    reasons: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return reasons


class Runner:
    """Runs scenarios, one after the other."""

    def __init__(self, services: Services, missing: dict[str, str], logs: Path) -> None:
        self._services = services
        self._missing = missing
        self._logs = logs
        self._modules = modules()

    def run(self, scenario: Scenario) -> Result:
        """Runs one scenario on both loops."""
        missing = [name for name in (scenario.library, *scenario.also) if name in self._missing]
        if missing:
            return Result(scenario.library, scenario.name, SKIPPED, f"{missing[0]}: {self._missing[missing[0]]}")
        try:
            services = {name: self._services.start(name) for name in scenario.services}
        except Unavailable as unavailable:
            return Result(scenario.library, scenario.name, SKIPPED, str(unavailable))
        outcomes, seconds = {}, []
        for loop in SUBJECTS:
            before = time.monotonic()
            outcomes[loop] = self._on(loop, scenario, services)
            seconds.append(round(time.monotonic() - before, 2))
        return self._compare(scenario, outcomes["asyncio"], outcomes["tepal"], (seconds[0], seconds[1]))

    def _compare(
        self, scenario: Scenario, on_asyncio: dict[str, Any], on_tepal: dict[str, Any], seconds: tuple[float, float]
    ) -> Result:
        names = (scenario.library, scenario.name)
        if "failed" in on_asyncio:
            return Result(*names, VOID, f"fails on asyncio: {on_asyncio['reason']}", on_asyncio["failed"], seconds)
        note = difference(on_asyncio, on_tepal)
        if note is None:
            observed = on_tepal["observed"]
            summary = observed.get("summary", "") if isinstance(observed, dict) else ""
            return Result(*names, SAME, summary, "", seconds)
        return Result(
            *names, DIFFERS, note, f"{on_tepal.get('failed', '')}\nlog: {self._log('tepal', scenario)}", seconds
        )

    def _log(self, loop: str, scenario: Scenario) -> Path:
        return self._logs / f"{scenario.library}-{scenario.name}-{loop}.log".replace(" ", "-").replace("/", "-")

    def _on(self, loop: str, scenario: Scenario, services: dict[str, Any]) -> dict[str, Any]:
        """Runs a scenario on one loop, in a session of its own, and returns its outcome."""
        module = self._modules[f"{scenario.library}/{scenario.name}"]
        log = self._log(loop, scenario)
        with tempfile.TemporaryDirectory(prefix="eco-") as folder:
            file, stage = Path(folder) / "outcome.json", Path(folder) / "stage"
            stage.mkdir()
            words = [sys.executable, str(HERE / "scenario_process.py"), module]
            words += [scenario.library, scenario.name, loop]
            words += ["--services", json.dumps(services), "--seconds", str(scenario.seconds)]
            words += ["--folder", str(stage), "--outcome", str(file)]
            with log.open("wb") as output:
                process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
                )
                try:
                    status = process.wait(scenario.seconds + GRACE)
                    ended = f"its process ended with status {status}"
                except subprocess.TimeoutExpired:
                    ended = f"not done after {scenario.seconds:g} s"
                finally:
                    process.kill()
                    process.wait()
                    # It may have ended without ending its programs, which have sessions of their own.
                    end_below(self._services.processes())
            if file.exists():
                outcome: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
                return outcome
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])
        reason = f"{ended}; the last it printed: {last_line(tail)}"
        return {"failed": f"{tail}\n{ended}", "reason": reason, "reports": [], "descriptors": 0}


def chosen(options: argparse.Namespace) -> list[Scenario]:
    """Returns the scenarios that the command line asks for, in the order of libraries.toml."""
    order = list(tomllib.loads((HERE / "libraries.toml").read_text(encoding="utf-8"))["libraries"])
    unknown = set(options.library or ()) - set(order)
    if unknown:
        raise SystemExit(f"not a library of libraries.toml: {', '.join(sorted(unknown))}")
    return sorted(
        (
            scenario
            for scenario in registered()
            if (not options.library or scenario.library in options.library)
            and options.only in scenario.name
            and not (options.without and options.without in scenario.name)
        ),
        key=lambda scenario: order.index(scenario.library),
    )


def main() -> int:
    """Runs what the command line asks for; returns the exit status."""
    options = arguments()
    if options.table:
        report.write_markdown(options.table, options.folder)
        return 0
    # Ended from outside, it still ends the programs and servers that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    adopt_orphans()
    logs = options.folder.resolve() / VERSION / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    commit = report.built_commit()  # now: the checkout may move while this runs
    services = Services()
    results: list[Result] = []
    try:
        runner = Runner(services, missing_libraries(options.missing), logs)
        for scenario in chosen(options):
            if options.list:
                print(f"{scenario.library}: {scenario.name}")
                continue
            results.append(runner.run(scenario))
            report.show(results[-1])
        versions = services.versions()
    finally:
        services.close()
        end_below()
    if options.list:
        return 0
    if options.results:
        whole = not (options.library or options.only or options.without)
        report.save(options.results, VERSION, results, versions, commit=commit, whole=whole)
    report.print_failures(results)
    print(f"\n{report.closing_line(results)}")
    counted = [one.result for one in results]
    return 0 if SAME in counted and DIFFERS not in counted else 1


if __name__ == "__main__":
    sys.exit(main())
