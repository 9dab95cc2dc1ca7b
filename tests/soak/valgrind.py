"""The soak and the fuzz under valgrind's memcheck: no error with a frame of ours.

    make valgrind PYTHON=3.14                    five minutes
    make valgrind ARGS='--seconds 60'

Every object has memory of its own (``PYTHONMALLOC=malloc``), so that its use after its end is seen. It counts what
memcheck calls errors: reads and writes outside of what is allocated, uses of uninitialised values, wrong frees. Memory
that is left at the end is not among them; that is what the soak itself watches. An error whose stack goes through
nothing of ours is shown and not held against us, nor is what comes of `CPYTHONS`.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
OURS = "_native"
"""What our extension's file is called."""
CPYTHONS = "_PyLong_New"
"""CPython asks of a 0 that it has just made whether its first digit, which it has not written, is that of a small int.
What uses the answer "depends on uninitialised values" for good; memcheck says that they were allocated here."""
STACK = "60"
"""Frames of a stack that are looked at."""
PATIENCE = "0.5"
"""How long the peer of a TLS connection waits for what may never come (seconds): a handshake takes a while here."""


def programs(seconds: float, seed: int) -> list[list[str]]:
    """What runs: plain connections, then TLS and the parsers; arguments after the interpreter."""
    fuzz = [str(HERE.parent / "fuzz" / "fuzz.py"), "--only-tepal", "--seed", str(seed), "--patience", PATIENCE]
    soak = ["--seconds", str(seconds * 0.4), "--seed", str(seed), "--wave", "60", "--at-once", "30"]
    return [
        [str(HERE / "soak.py"), *soak],
        [*fuzz, "--seconds", str(seconds * 0.4), "--target", "tls"],
        [
            *fuzz,
            "--seconds",
            str(seconds * 0.2),
            "--target",
            "reader",
            "--target",
            "addresses",
            "--target",
            "datagrams",
        ],
    ]


def errors_of(report: Path) -> list[tuple[bool, str]]:
    """The errors in memcheck's report: whether a frame is ours, and the text."""
    found = []
    for error in ElementTree.parse(report).getroot().iter("error"):
        if (error.findtext("kind") or "").startswith("Leak_"):
            continue  # a report in XML has them always
        frames = list(error.iter("frame"))
        if any(frame.findtext("fn") == CPYTHONS for frame in frames):
            continue
        ours = any(OURS in (frame.findtext("obj") or "") for frame in frames)
        what = error.findtext("what") or error.findtext("xwhat/text") or "an error"
        lines = [what]
        for number, stack in enumerate(error.iter("stack")):
            lines += ["  of what was made by"] if number else []
            for frame in list(stack.iter("frame"))[:16]:
                lines.append(f"    {frame.findtext('fn')} ({frame.findtext('file')}:{frame.findtext('line')})")
        found.append((ours, "\n".join(lines)))
    return found


def run(words: list[str], folder: Path) -> tuple[int, list[tuple[bool, str]]]:
    """The status of a program under memcheck, and what was found."""
    report = folder / "report.xml"
    options = ["--tool=memcheck", "--xml=yes", f"--xml-file={report}", f"--num-callers={STACK}", "--track-origins=yes"]
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "PYTHONDONTWRITEBYTECODE": "1"}
    print(f"memcheck: {' '.join([Path(words[0]).name, *words[1:]])}", flush=True)
    done = subprocess.run(["valgrind", *options, sys.executable, *words], env=environment, check=False)
    try:
        return done.returncode, errors_of(report)
    except (ElementTree.ParseError, OSError):
        return done.returncode or 1, []  # valgrind itself could not go on, and has said why


def main() -> int:
    """Run everything, say what was found; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long, for all together (300)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="where chance begins")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: apt-get install valgrind")
        return 1
    faults = foreign = 0
    for words in programs(options.seconds, options.seed):
        with tempfile.TemporaryDirectory() as folder:
            status, errors = run(words, Path(folder))
        if status != 0:
            faults += 1
            print(f"FAULT: {words[0]} ended with status {status}")
        for ours, text in errors:
            print(f"{'FAULT' if ours else 'not ours'}: {text}")
            faults += ours
            foreign += not ours
    print(f"valgrind with --seed {options.seed}: {faults} faults, {foreign} errors of others")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
