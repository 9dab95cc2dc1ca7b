"""Runs programs of the corpus, each with a recording of its own, and prints what was found as one line of JSON each.

usage: corpus_process.py all|default PROGRAM ...
"""

import gc
import io
import json
import logging
import sys
import traceback
import types
import warnings

from tepal import policy
from tepal.report import KINDS, Recording, Report
from tepal.report.finding import DEFAULT_KINDS


def run(path: str) -> str | None:
    """Run a program as ``__main__``; return the traceback if it fails."""
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    module.__file__ = path
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), path, "exec")
    try:
        exec(code, vars(module))
    except BaseException:
        return traceback.format_exc()
    return None


def look_at(path: str, kinds: frozenset[str]) -> dict[str, object]:
    """Run a program and return what was found."""
    recording = Recording(kinds=kinds)
    recording.begin()
    error = run(path)
    sys.modules["__main__"] = types.ModuleType("__main__")
    gc.collect()
    recording.end()
    report = Report(recording, recording.records())
    found = [[finding.kind, finding.line, finding.message] for finding in report.findings if finding.file == path]
    return {"path": path, "error": error, "found": found}


def main() -> None:
    """Run all; the first argument says whether all kinds are looked for or only those that are by default."""
    kinds = {"all": frozenset(KINDS), "default": DEFAULT_KINDS}[sys.argv[1]]
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    policy.set_policy(policy.EventLoopPolicy())
    output, sys.stdout = sys.stdout, io.StringIO()
    for path in sys.argv[2:]:
        print(json.dumps(look_at(path, kinds)), file=output, flush=True)


main()
