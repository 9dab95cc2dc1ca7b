"""The parent's end of a child process that answers JSON lines.

Every wait has a limit, and a child that dies or stays silent becomes a `Failure`
with a reason in words, never an exception: one broken peer must not cost the
figures of the others.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BENCHES = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Failure:
    """Why there is no figure, in words for a footnote."""

    reason: str


def without_paths(text: str) -> str:
    """``text`` with absolute paths cut to their last part: reports get published."""
    return re.sub(r"/(?:[\w.+@-]+/)+", "", text)


def environment(seed: int) -> dict[str, str]:
    """Environment of a child: asyncio's debug mode off, hashes the same for all loops.

    Byte code is kept under ``build/``: where the standard library has none and is not
    writable, every child would compile it anew, which under callgrind takes a minute.
    """
    unwanted = ("PYTHONASYNCIODEBUG", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    path = os.pathsep.join(filter(None, [str(BENCHES), kept.get("PYTHONPATH")]))
    return kept | {
        "PYTHONPATH": path,
        "PYTHONHASHSEED": str(seed),
        "PYTHONPYCACHEPREFIX": str(BENCHES.parent / "build" / "bench" / "bytecode"),
    }


class JsonProcess:
    """A child process with a line of JSON in for each line of JSON out."""

    def __init__(self, module: str, *arguments: str, seed: int = 0, program: Path | None = None) -> None:
        """Start Python's ``module``, or ``program`` if one is given, with ``arguments``."""
        command = [sys.executable, "-m", module] if program is None else [str(program)]
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        self.unread = b""
        self.process = subprocess.Popen(
            [*command, *arguments],
            env=environment(seed),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            bufsize=0,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.requests, self.answers = self.process.stdin, self.process.stdout

    def ask(self, request: dict[str, Any], limit: float) -> dict[str, Any] | Failure:
        """Send one request and wait at most ``limit`` seconds for its answer."""
        try:
            self.requests.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            return self.death()
        return self.answer(limit)

    def answer(self, limit: float) -> dict[str, Any] | Failure:
        """The next answer, within ``limit`` seconds. After a Failure the child is dead."""
        deadline = time.monotonic() + limit
        while b"\n" not in self.unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                self.close()
                return Failure(f"no answer within {limit:.0f} s")
            received = self.answers.read(65536)
            if not received:
                return self.death()
            self.unread += received
        line, self.unread = self.unread.split(b"\n", 1)
        found = json.loads(line)
        return Failure(without_paths(found["reason"])) if "reason" in found else found

    def death(self) -> Failure:
        """How the child ended, with the last line that it wrote to standard error."""
        code = self.process.wait()
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return Failure(without_paths(f"{how}: {lines[-1]}" if lines else how))

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the child, by force: what it leaves open is of no interest."""
        self.process.kill()
        self.process.wait()
        self.requests.close()
        self.answers.close()
        self.errors.close()
