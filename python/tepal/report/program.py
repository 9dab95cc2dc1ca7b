"""Reports of whole programs: what the command line and ``TEPAL_REPORT`` ask for."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import dataclasses
import functools
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from tepal.report import observing
from tepal.report.finding import DEFAULT_KINDS, KINDS, duration
from tepal.report.recording import REPORT, THRESHOLD, TRACE, Recording
from tepal.report.result import Report
from tepal.report.terminating import Termination
from tepal.report.text import one_line
from tepal.report.trace import trace_of
from tepal.report.waiting import SWALLOWED

FOUND = 1
"""The exit status of a program that did well, if a kind of ``--fail-on`` was found or no report could be written."""


@dataclasses.dataclass
class Wanted:
    """What was asked for. A file named ``-`` is standard error for a text, standard output for the rest."""

    text: str | None = "-"
    json: str | None = None
    sarif: str | None = None
    fail_on: frozenset[str] = frozenset()
    kinds: frozenset[str] = DEFAULT_KINDS
    threshold: float = THRESHOLD
    libraries: bool = False
    traced: list[Callable[[dict[str, Any]], None]] = dataclasses.field(default_factory=list)
    """What is to be called with the trace (``tepal.report.trace``); if there is any, every event is recorded."""


def kinds_of(text: str) -> frozenset[str]:
    """The kinds named in ``KIND,KIND``, or ``all``; for argparse.

    Raises argparse.ArgumentTypeError for an unknown one.
    """
    names = {name.strip() for name in text.split(",") if name.strip()}
    if "all" in names:
        return frozenset(KINDS)
    unknown = names - set(KINDS)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown kind {sorted(unknown)[0]!r}; there are: {', '.join(KINDS)}, all")
    return frozenset(names)


def seconds_of(text: str) -> float:
    """A number of seconds above 0; for argparse.

    Raises argparse.ArgumentTypeError for anything else.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``tepal report``."""
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE", help="the report as JSON, instead of text")
    parser.add_argument("--sarif", nargs="?", const="-", metavar="FILE", help="the findings as SARIF 2.1.0")
    parser.add_argument(
        "--fail-on", type=kinds_of, default=frozenset(), metavar="KIND[,KIND]",
        help=f"end with status {FOUND} if one of these was found: {', '.join(KINDS)}, all",
    )  # fmt: skip
    parser.add_argument(
        "--also", type=kinds_of, default=frozenset(), metavar="KIND[,KIND]", help="look for these kinds as well, or all"
    )
    parser.add_argument(
        "--threshold", type=seconds_of, default=THRESHOLD, metavar="SECONDS", help="how long a step may hold the loop"
    )
    parser.add_argument("--libraries", action="store_true", help="show findings in installed packages as well")
    parser.add_argument("--output", default=None, metavar="FILE", help="write the text there, not to standard error")


OPTIONAL_VALUES = ("--json", "--sarif", "--report")
"""Options whose value must follow after ``=``, so that what follows after a space is the program."""


def whole(file: str) -> str:
    """The name of a file from the root on: the program may go to another directory before it is written."""
    return file if file == "-" else os.path.abspath(file)


def wanted_of(options: Any) -> Wanted:
    """What the options of ``tepal report`` ask for."""
    text = whole(options.output) if options.output else (None if "-" in (options.json, options.sarif) else "-")
    return Wanted(
        text=text,
        json=options.json and whole(options.json),
        sarif=options.sarif and whole(options.sarif),
        fail_on=options.fail_on,
        kinds=DEFAULT_KINDS | options.also | options.fail_on,
        threshold=options.threshold,
        libraries=options.libraries,
    )


def wanted_in(file: str) -> Wanted:
    """A report in one file, in the format that its ending names; ``-`` is standard error."""
    file = whole(file)
    if file.endswith(".json"):
        return Wanted(text=None, json=file)
    if file.endswith(".sarif"):
        return Wanted(text=None, sarif=file)
    if file.endswith(".html"):
        from tepal import page  # noqa: PLC0415  (only where a picture is asked)

        return Wanted(text=None, traced=[functools.partial(page.write, file=file)])
    return Wanted(text=file)


def run(wanted: Wanted, program: Callable[[], int], name: str, arguments: list[str]) -> int:
    """Call ``program`` with a recording, write what was ``wanted``, and return the exit status.

    What ``program`` raises is raised again after that. It is called ``name`` in the report, with its ``arguments``.
    """
    recording = begin(wanted)
    recording.script, recording.arguments = name, list(arguments)
    termination = _listen_to_termination(recording, wanted)

    def finish_well() -> bool:
        termination.end()
        return _finish_well(recording, wanted)

    try:
        status = program()
    except SystemExit as ended:
        if not finish_well() and ended.code in (None, 0):
            raise SystemExit(FOUND) from None
        raise
    except BaseException:
        finish_well()
        raise
    well = finish_well()
    return FOUND if status == 0 and not well else status


def _listen_to_termination(recording: Recording, wanted: Wanted) -> Termination:
    """On SIGTERM, if the program leaves it alone, write the report first."""

    def write() -> None:
        recording.terminated()
        _finish_well(recording, wanted)

    termination = Termination(write)
    termination.begin()
    return termination


def _finish_well(recording: Recording, wanted: Wanted) -> bool:
    """End the recording and write the report: whether it is there, and nothing of ``fail_on`` in it."""
    if os.getpid() != recording.process:
        return True  # a process that the program has forked: the report is the first one's
    try:
        report = finish(recording, wanted)
    except OSError as error:
        _say_unwritten(error)
        return False
    return not fails(report, wanted)


def unwritten(error: OSError) -> str:
    """What is said of a report that could not be written."""
    where = f" {error.filename!r}" if error.filename else ""
    return f"tepal: can't write the report{where}: {error.strerror or error}"


def _say_unwritten(error: OSError) -> None:
    if (stream := _open_stream(sys.stderr)) is not None:
        with contextlib.suppress(OSError):  # there is nobody else to tell; the status says it
            print(unwritten(error), file=stream)


def begin(wanted: Wanted) -> Recording:
    """Begin a recording of what was asked for."""
    level = TRACE if wanted.traced else REPORT
    recording = Recording(level=level, threshold=wanted.threshold, kinds=wanted.kinds)
    recording.begin()
    _listen_to_signal(recording)
    return recording


def fails(report: Report, wanted: Wanted) -> bool:
    """Whether one of ``fail_on`` was found."""
    return bool(report.kinds() & wanted.fail_on)


def finish(recording: Recording, wanted: Wanted) -> Report:
    """End the recording, write the report and return it.

    Raises the first ``OSError`` if a part could not be written, when the others are.
    """
    gc.collect()  # coroutines in cycles are thrown away now
    recording.end()
    report = Report(recording, recording.records())
    failure: OSError | None = None
    for write in _parts(report, recording, wanted):
        try:
            write()
        except OSError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return report


def _parts(report: Report, recording: Recording, wanted: Wanted) -> Iterator[Callable[[], None]]:
    """What writes each part of what was wanted."""
    if wanted.json is not None:
        yield functools.partial(_write, wanted.json, report.json(), sys.stdout)
    if wanted.sarif is not None:
        yield functools.partial(_write, wanted.sarif, report.sarif(), sys.stdout)
    if wanted.text is not None:
        colour = wanted.text == "-" and _wants_colour(sys.stderr)
        yield functools.partial(_write, wanted.text, report.text(colour=colour, libraries=wanted.libraries), sys.stderr)
    if wanted.traced:
        trace = trace_of(recording)
        for write in wanted.traced:
            yield functools.partial(write, trace)


def _open_stream(stream: TextIO | None) -> TextIO | None:
    """The stream, unless the program has closed it or put ``None`` in its place."""
    return None if stream is None or getattr(stream, "closed", False) else stream


def _wants_colour(stream: TextIO | None) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    stream = _open_stream(stream)
    return stream is not None and (bool(os.environ.get("FORCE_COLOR")) or stream.isatty())


def _write(file: str, text: str, stream: TextIO | None) -> None:
    if file == "-":
        if (stream := _open_stream(stream)) is None:
            raise OSError("the program has closed the stream")
        print(text, file=stream, flush=True)
        return
    try:
        with open(file, "w", encoding="utf-8", errors="backslashreplace") as output:
            output.write(text + "\n")
    except OSError as error:
        error.filename = file  # a full disk does not say where
        raise


def begin_for_process(file: str) -> None:
    """Record until the process ends, then write the report to ``file``.

    ``-`` is standard error; the endings ``.json`` and ``.sarif`` choose the format, ``.html`` the picture.
    """
    wanted = wanted_in(file)
    if kinds := os.environ.get(observing.KINDS_VARIABLE):
        try:
            wanted.kinds = kinds_of(kinds)
        except argparse.ArgumentTypeError as error:
            raise ValueError(f"{observing.KINDS_VARIABLE}: {error}") from None
    recording = begin(wanted)
    termination = _listen_to_termination(recording, wanted)

    def finish_once() -> None:
        termination.end()
        _finish_well(recording, wanted)

    atexit.register(finish_once)


def _listen_to_signal(recording: Recording) -> None:
    """On SIGUSR1, if the program leaves it alone, say on standard error what the Tasks wait for."""

    def show(*_: object) -> None:
        for loop in recording.loops:
            for each in recording.look_at(loop):
                since = duration(time.monotonic_ns() - each.since)
                place = f"{each.file}:{each.line}" if each.file else ""
                line = f"{each.name} ({each.coroutine}) {place} waits for {each.text}, since {since}"
                verdict = f"; it {each.verdict}" if each.verdict == SWALLOWED else f": {each.verdict}"
                print(one_line(line + (verdict if each.verdict else "")), file=sys.stderr, flush=True)

    try:
        if signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
            signal.signal(signal.SIGUSR1, show)
    except ValueError:
        return  # not the main thread
