"""The measuring process: one loop, one round, pinned to one core.

Started as ``python -m measure.loop_process LOOP CORE``. Each line on standard
input is a JSON request for one case; each answer is a JSON line on standard
output. Between requests the process sleeps in ``read``, so that the processes of
all loops can be alive at once and be asked in turn, case by case: the samples
whose ratio is taken lie seconds apart, not minutes.
"""

import importlib.metadata
import json
import os
import platform
import sys
import warnings
from typing import Any

import cases

from measure import loops, sample


def answer(request: dict[str, Any], loaded: loops.LoadedLoop, core: int) -> dict[str, Any]:
    """Measure the case of one request. A failure of any kind becomes its reason."""
    case = cases.ALL[request["case"]]
    everywhere = os.sched_getaffinity(0)
    if case.cores == "one":
        os.sched_setaffinity(0, {core})
    try:
        taken = sample.measure(case, loaded, request["repeats"], request["target"])
    except Exception as error:
        return {"reason": f"{type(error).__name__}: {error}"}
    finally:
        os.sched_setaffinity(0, everywhere)
    return {
        "repeats": taken.repeats,
        "cpu_ns": taken.cpu / taken.repeats / case.operations * 1e9,
        "wall_ns": taken.wall / taken.repeats / case.operations * 1e9,
    }


def why_absent(error: Exception, name: str) -> str:
    """Why loop ``name`` takes no part, in words."""
    if isinstance(error, ModuleNotFoundError) and error.name == name.partition("-")[0]:
        return "not installed here"
    return f"{type(error).__name__}: {error}"


def version_of(name: str) -> str:
    """Version of the distribution of a loop; Python's own version for asyncio."""
    if name == "asyncio":
        return platform.python_version()
    try:
        return importlib.metadata.version(name.partition("-")[0])
    except importlib.metadata.PackageNotFoundError:
        return "unknown version"


def main(name: str, core: int) -> None:
    """Answer requests until standard input ends."""
    # Whatever the loops print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    try:
        loaded = loops.load(name)
    except Exception as error:
        print(json.dumps({"reason": why_absent(error, name)}), file=answers)
        return
    print(json.dumps({"version": version_of(name)}), file=answers)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), loaded, core)), file=answers)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
