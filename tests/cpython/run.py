"""Runs CPython's own asyncio tests against tepal, with the interpreter that runs this file.

    python tests/cpython/run.py                                  everything, in the modes that selection.py names
    python tests/cpython/run.py --every-mode                     transports, servers, subprocesses and TLS in every mode
    python tests/cpython/run.py --module test_tasks --only test_cancel --mode task
    python tests/cpython/run.py --loop asyncio:SelectorEventLoop --task asyncio:Task --future asyncio:Future \\
        --handle asyncio:Handle --timer-handle asyncio:TimerHandle     the runner itself, against asyncio
    python tests/cpython/run.py --table docs/conformance.md --from build/conformance

Ends with the line "N passed, N failed, N skipped"; the exit status is 0 only if something passed and nothing failed.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import expectations
import processes
import report
import selection
import subject
from outcomes import Failure, ModuleOutcome, totals

ROOT = Path(__file__).resolve().parent.parent.parent
VERSION = "{}.{}".format(*sys.version_info)


def arguments() -> argparse.Namespace:
    """Parses the command line."""
    modes = "; ".join(f"{mode}: {meaning}" for mode, meaning in subject.MODES.items())
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=modes
    )
    for role, name in asdict(subject.Subject()).items():
        parser.add_argument(f"--{role.replace('_', '-')}", default=name, metavar="MODULE:CLASS")
    parser.add_argument("--mode", action="append", choices=tuple(subject.MODES), help="only this mode; may be repeated")
    parser.add_argument("--module", action="append", metavar="NAME", help="only this module; may be repeated")
    parser.add_argument("--only", default="", metavar="TEXT", help="only tests whose module.Class.test contains TEXT")
    parser.add_argument(
        "--every-mode", action="store_true", help="also repeat transports, servers, subprocesses and TLS in every mode"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes at a time (2)")
    parser.add_argument("--test-limit", type=float, default=60.0, metavar="SECONDS", help="time for one test (60)")
    parser.add_argument(
        "--module-limit", type=float, default=900.0, metavar="SECONDS", help="time for one module (900)"
    )
    parser.add_argument(
        "--development-mode", action="store_true", help="python -X dev: asyncio's debug mode everywhere"
    )
    parser.add_argument("--results", type=Path, metavar="FILE", help="write the results of a whole run as JSON")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write the Markdown table of all results and run nothing"
    )
    parser.add_argument("--from", dest="folder", type=Path, default=ROOT / "build" / "conformance", metavar="FOLDER")
    parser.add_argument("--list", action="store_true", help="print the modes and modules that would run")
    return parser.parse_args()


def chosen_jobs(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Returns the (mode, module) jobs that the command line asks for.

    A mode that is named outright is run for every module, without --every-mode.
    """
    named = set(options.module or ())
    jobs = selection.jobs(every_mode=options.every_mode or bool(options.mode))
    unknown = named - {module for _, module in jobs}
    if unknown:
        raise SystemExit(f"not a module of this version's suite: {', '.join(sorted(unknown))}")
    return [
        (mode, module)
        for mode, module in jobs
        if (not named or module in named) and (not options.mode or mode in options.mode)
    ]


def show(outcome: ModuleOutcome) -> None:
    """Prints one line when a module is done, so that a failure shows early."""
    failed = f", {len(outcome.failures)} FAILED" if outcome.failures else ""
    print(f"[{outcome.mode}] {outcome.module}: {outcome.passed} passed{failed} ({outcome.seconds:.1f} s)", flush=True)


def main() -> int:
    """Runs what the command line asks for; returns the exit status."""
    options = arguments()
    if options.table:
        report.write_markdown(options.table, options.folder)
        return 0
    jobs = chosen_jobs(options)
    if options.list:
        print("\n".join(f"{mode} {module}" for mode, module in jobs))
        return 0
    names = {role: getattr(options, role) for role in asdict(subject.Subject())}
    expected = expectations.read(VERSION)
    settings = processes.Settings(
        subject=names,
        test_limit=options.test_limit,
        module_limit=options.module_limit,
        only=options.only,
        development_mode=options.development_mode,
        logs=options.folder.resolve() / "logs" / VERSION,
    )
    outcomes = processes.run_all(settings, jobs, expected, options.jobs, show)
    if not options.only:
        for failure in processes.stale(outcomes, expected):
            place_failure(outcomes, failure)
    print(f"\nCPython {sys.version.split()[0]}: test.test_asyncio against {', '.join(names.values())}\n")
    report.print_table(outcomes)
    report.print_failures(outcomes, settings.logs / "failures.txt")
    chosen = (options.only, options.mode, options.module, options.development_mode, options.every_mode)
    narrowed = any(chosen)
    if options.results and narrowed:
        print(f"\n{options.results} is not written: this was not the usual whole run")
    elif options.results:
        report.save(options.results, VERSION, outcomes, names)
    print(f"\n{report.closing_line(outcomes)}")
    passed, failed, _, _ = totals(outcomes)
    return 0 if passed and not failed else 1


def place_failure(outcomes: list[ModuleOutcome], failure: Failure) -> None:
    """Counts a failure that no test reported with the module that it is about."""
    module = failure.test.partition(".")[0]
    next(outcome for outcome in outcomes if (outcome.mode, outcome.module) == (failure.mode, module)).failures.append(
        failure
    )


if __name__ == "__main__":
    sys.exit(main())
