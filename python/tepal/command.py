"""The command line: ``python -m tepal`` and the console script ``tepal``.

``tepal run`` executes a program as ``python`` itself would, with one difference: the loops that asyncio makes for it
are tepal's. The program sees its own ``sys.argv``, ``sys.path[0]`` and ``__main__``; its exit status and its
tracebacks are its own.

How the program gets tepal: the process's event loop policy is set to ``tepal.EventLoopPolicy``, quietly, and so is
that of every process that it starts through ``multiprocessing`` (``tepal.spawned``).
``asyncio.run()`` and ``asyncio.Runner`` without a ``loop_factory``, ``asyncio.new_event_loop()`` and
``asyncio.get_event_loop()`` ask the policy on every Python from 3.11 to 3.15, though from 3.14 on the policy is
private. A program that names a loop (``loop_factory=``, ``asyncio.SelectorEventLoop``, ``asyncio.EventLoop``) or sets
a policy of its own gets what it names.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.machinery
import importlib.util
import io
import os
import pkgutil
import platform
import runpy
import sys
import textwrap
import types
from collections.abc import Callable, Sequence
from typing import Any

from tepal.report.program import OPTIONAL_VALUES, Wanted, add_options, wanted_in, wanted_of

PROGRAM = "tepal"

VALUES = ("--fail-on", "--also", "--threshold", "--output", "--html", "--trace")
"""Options whose value may follow after a space, and so is not the program."""

CANNOT_OPEN = 2
"""The exit status of ``python`` when it cannot open the script it was given."""

REFUSED = 2
"""The exit status if a vintage program asks for something that the Python at hand has no more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line ``arguments`` (``sys.argv[1:]`` if ``None``) and return the exit status.

    Raises ``SystemExit`` where argparse does (wrong usage: 2; help and version: 0), and everything that a program
    given to ``tepal run`` raises, so that the interpreter reports it and ends as it would have without tepal.
    """
    parser = _parser()
    ours, theirs = _cut(list(sys.argv[1:] if arguments is None else arguments))
    ours = [f"{argument}=-" if argument in OPTIONAL_VALUES else argument for argument in ours]
    options = parser.parse_args(ours)
    if options.action not in ("run", "report"):
        parser.print_help(sys.stderr)
        return 2
    if sys.version_info >= (3, 16):
        options.parser.error(
            "this version works through event loop policies, which Python 3.16 removed; use tepal.run(main())"
        )
    if options.debug:
        # The loops read it when they are made, and programs that the program starts inherit it, as they do from
        # python's users.
        os.environ["PYTHONASYNCIODEBUG"] = "1"
    wanted = _report_wanted(options)
    if wanted is None or (options.script is not None and not os.path.exists(options.script)):
        return _run(options, theirs)
    from tepal.report import program  # noqa: PLC0415  (only where a report is asked)

    name = f"-m {options.module}" if options.module is not None else options.script or "-c"
    return program.run(wanted, lambda: _run(options, theirs), name, theirs)


def _write_trace(module: str, file: str, trace: dict[str, Any]) -> None:
    """Have a module write a trace to a file, in its own form."""
    importlib.import_module(module).write(trace, file)


def _run(options: argparse.Namespace, theirs: list[str]) -> int:
    """Run the program that the options name, with its arguments."""
    if options.vintage:
        return _run_vintage(options, theirs)
    if options.module is not None:
        return _run_module(options.module, theirs)
    if options.code is not None:
        return _run_code(options.code, theirs)
    return _run_script(options.script, theirs)


def _report_wanted(options: argparse.Namespace) -> Wanted | None:
    """The report that is to be written when the program has ended."""
    if options.action == "report":
        wanted = wanted_of(options)
    else:
        wanted = Wanted(text=None) if options.report is None else wanted_in(options.report)
    asked = options.report if options.action == "run" else None
    for file in (asked, wanted.text, wanted.json, wanted.sarif, options.html, options.trace):
        if file not in (None, "-"):
            try:
                open(file, "ab").close()  # before the program, which may run for hours
            except OSError as error:
                options.parser.error(f"can't write {file!r}: {error.strerror}")
    for file, module in ((options.html, "tepal.page"), (options.trace, "tepal.trace_events")):
        if file is not None:
            wanted.traced.append(functools.partial(_write_trace, module, os.path.abspath(file)))
    return wanted if options.action == "report" or options.report is not None or wanted.traced else None


def _cut(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return ``arguments`` cut after the name of the program to run: what argparse may see, what is the program's."""
    for index, argument in enumerate(arguments):
        if index and arguments[index - 1] in VALUES:
            continue
        if argument in ("-m", "-c"):
            return arguments[: index + 2], arguments[index + 2 :]
        if index > 0 and (not argument.startswith("-") or argument.startswith(("-m", "-c"))):
            return arguments[: index + 1], arguments[index + 1 :]
    return arguments, []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="asyncio's event loop, Task and Future in Rust.")
    parser.add_argument("--version", action=_Version, help="print the versions of tepal and Python, and exit")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    run = actions.add_parser(
        "run",
        help="run an unchanged Python program on tepal",
        description="Run an unchanged Python program; the event loops that asyncio makes for it are tepal's. "
        "What follows the program's name is the program's own.",
        usage=f"{PROGRAM} run [-h] [OPTIONS] (SCRIPT | -m MODULE | -c CODE) [ARGS ...]",
    )
    run.add_argument(
        "--report", nargs="?", const="-", metavar="FILE",
        help="write a report when the program has ended, to standard error or to --report=FILE",
    )  # fmt: skip
    _add_program(run)
    report = actions.add_parser(
        "report",
        help="run a Python program on tepal and say what it does with its Tasks",
        description="Run a Python program on tepal; when it has ended, say where its Tasks wait in vain, block, are "
        "dropped or cost more than they bring.",
        usage=f"{PROGRAM} report [-h] [OPTIONS] (SCRIPT | -m MODULE | -c CODE) [ARGS ...]",
    )
    add_options(report)
    _add_program(report)
    return parser


def _add_program(parser: argparse.ArgumentParser) -> None:
    """The options that name a program, and those that both actions have."""
    parser.set_defaults(parser=parser)
    parser.add_argument("--html", metavar="FILE", help="a picture of the run, as one page for a browser")
    parser.add_argument("--trace", metavar="FILE", help="the events of the run for Perfetto and Chrome")
    parser.add_argument(
        "--debug", action="store_true", help="asyncio's debug mode, as PYTHONASYNCIODEBUG=1 switches it on"
    )
    parser.add_argument(
        "--vintage",
        action="store_true",
        help="SCRIPT is a program of 2013 to 2018 for asyncio or Trollius (asyncio.coroutine, yield from, "
        "asyncio.async): translate it and its own modules as they are loaded",
    )
    program = parser.add_mutually_exclusive_group(required=True)
    program.add_argument("-m", dest="module", metavar="MODULE", help="run a module, as python -m does")
    program.add_argument("-c", dest="code", metavar="CODE", help="run the text CODE, as python -c does")
    program.add_argument(
        "script", nargs="?", metavar="SCRIPT", help="a Python file, or a directory or zip file with __main__.py"
    )


class _Version(argparse.Action):
    """``--version``, which reads the package's metadata only when it is asked."""

    def __init__(self, option_strings: Sequence[str], **options: Any) -> None:
        super().__init__(option_strings, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from tepal import __version__  # noqa: PLC0415

        print(f"tepal {__version__} on {platform.python_implementation()} {platform.python_version()}")
        parser.exit()


def _run_script(script: str, arguments: list[str]) -> int:
    """Run a Python file, or the ``__main__`` of a directory or zip file."""
    sys.argv[:] = [script, *arguments]
    path = os.path.join(os.getcwd(), script)  # not normalised, as CPython has it in __file__ since 3.9
    if pkgutil.get_importer(path) is not None:
        # As CPython's Modules/main.c: the place itself goes on the path, and in spite of -P and -I, as nothing else
        # would find it.
        _set_first_path(path, always=True)
        return _as_main(lambda: runpy._run_module_as_main("__main__", False))  # type: ignore[attr-defined]
    source = _read(path)
    if source is None:
        return CANNOT_OPEN
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    return _as_main(lambda: _execute_file(path, source))


def _read(path: str) -> bytes | None:
    """Return the content of a program's file; if there is none, say so as ``python`` does and return ``None``."""
    try:
        with io.open_code(path) as file:
            return file.read()
    except OSError as error:
        print(f"{PROGRAM}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)
        return None


def _run_vintage(options: argparse.Namespace, arguments: list[str]) -> int:
    """Run a Python file or module that was written for asyncio or Trollius between 2013 and 2018."""
    from tepal import vintage  # noqa: PLC0415  (only those who ask for it need it)
    from tepal.vintage import program  # noqa: PLC0415

    if options.code is not None:
        options.parser.error("--vintage translates files: give a SCRIPT or -m MODULE, not -c")
    sys.argv[:] = ["-m" if options.module is not None else options.script, *arguments]
    path = os.path.join(os.getcwd(), options.script or "")
    source = b"" if options.module is not None else _read(path)
    if source is None:
        return CANNOT_OPEN
    if options.module is not None:
        directories = _directories_of_module(options.module)
    else:
        directories = [os.path.dirname(os.path.realpath(path))]
        _set_first_path(directories[0])

    def execute() -> None:
        for directory in directories:
            program.prepare(directory)
        if options.module is not None:
            runpy._run_module_as_main(options.module, True)  # type: ignore[attr-defined]
            return
        code = vintage.translate(source, path)
        exec(code, _main_namespace(__file__=path, __loader__=vintage.Loader("__main__", path)))

    try:
        return _as_main(execute)
    except vintage.RefusedError as refused:
        program.report(refused)
        return REFUSED


def _directories_of_module(module: str) -> list[str]:
    """Put the current directory on the path, as ``-m`` does; return where a vintage program's own modules lie.

    These are the modules below the current directory, and those of the package, wherever it is.
    """
    _set_first_path(os.getcwd())
    spec = importlib.util.find_spec(module.partition(".")[0])
    package = spec.submodule_search_locations if spec is not None else None
    return [os.getcwd(), *(package or ())]


def _execute_file(path: str, source: bytes) -> None:
    """Execute ``source``, the content of the file ``path``, in ``__main__``; a ``.pyc`` file is loaded instead."""
    loader: importlib.machinery.SourceFileLoader | importlib.machinery.SourcelessFileLoader
    if path.endswith(".pyc"):
        loader = importlib.machinery.SourcelessFileLoader("__main__", path)
        code = loader.get_code("__main__")
        assert code is not None  # only a loader of packages without code gives None
    else:
        loader = importlib.machinery.SourceFileLoader("__main__", path)
        code = compile(source, path, "exec", dont_inherit=True)
    exec(code, _main_namespace(__file__=path, __loader__=loader))


def _run_module(module: str, arguments: list[str]) -> int:
    """Run a module or a package's ``__main__``, by the function that the interpreter itself calls for ``-m``."""
    sys.argv[:] = ["-m", *arguments]
    _set_first_path(os.getcwd())
    return _as_main(lambda: runpy._run_module_as_main(module, True))  # type: ignore[attr-defined]


def _run_code(code: str, arguments: list[str]) -> int:
    """Run a text, as ``python -c`` of 3.14 does, which takes a common indentation away."""
    sys.argv[:] = ["-c", *arguments]
    _set_first_path("")
    text = textwrap.dedent(code)
    return _as_main(lambda: exec(compile(text, "<string>", "exec", dont_inherit=True), _main_namespace()))


def _set_first_path(entry: str, *, always: bool = False) -> None:
    """Replace what ``sys.path`` begins with, the place of this command, by ``entry``, the place of the program.

    With -P or -I there is no such entry; then ``entry`` is left out as well, unless ``always``.
    """
    if not sys.flags.safe_path:
        sys.path[0:1] = [entry]
    elif always:
        sys.path.insert(0, entry)


def _main_namespace(**names: object) -> dict[str, object]:
    namespace = vars(sys.modules["__main__"])
    namespace.update(names)
    return namespace


def _as_main(program: Callable[[], None]) -> int:
    """Call ``program`` on tepal, in a ``__main__`` module of its own; return 0 or raise what it raises.

    The module stays in ``sys.modules`` for good, since the program's threads, exit functions and pickles may need it
    after its last line has run. An exception is not caught but passed on to the interpreter, which alone can end the
    process as the exception asks (``KeyboardInterrupt`` by SIGINT, ``SystemExit`` by its code); only the traceback
    that is reported starts at the program.
    """
    from tepal import functions, spawned  # noqa: PLC0415  (must not be imported on Python 3.16)

    sys.modules["__main__"] = types.ModuleType("__main__")
    spawned.reach()
    functions.install()  # before the program says ``from asyncio import gather``
    try:
        program()
    except SystemExit:
        raise
    except BaseException as error:
        _report_without_our_frames(error)
        raise
    return 0


def _is_ours(filename: str) -> bool:
    return filename == __file__ or filename.startswith(_VINTAGE)


_VINTAGE = os.path.join(os.path.dirname(__file__), "vintage", "")  # where a program is translated


def _report_without_our_frames(error: BaseException) -> None:
    """Have ``sys.excepthook``, the program's or Python's, see ``error``'s traceback without our frames."""
    report = sys.excepthook
    traceback = error.__traceback__
    while traceback is not None and _is_ours(traceback.tb_frame.f_code.co_filename):
        traceback = traceback.tb_next

    def excepthook(kind: type[BaseException], value: BaseException, whole: types.TracebackType | None) -> None:
        if value is error:
            value.__traceback__ = whole = traceback
        report(kind, value, whole)

    sys.excepthook = excepthook
