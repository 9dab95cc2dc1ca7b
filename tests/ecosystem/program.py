"""A program under test: started in a session of its own, waited for, signalled, and in the end surely gone."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

# Importing a large library on a busy machine takes some seconds.
START_LIMIT = 30.0
POLL_INTERVAL = 0.02


class Program:
    """A started program; its standard output and error go to one file."""

    def __init__(
        self, words: tuple[str, ...], log: Path, environment: Mapping[str, str], user: str | None = None
    ) -> None:
        self.words = words
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=[] if user else None,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def text(self) -> str:
        """Returns what it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tracebacks(self) -> int:
        """Returns how many tracebacks it has printed."""
        return self.text().count("Traceback (most recent call last)")

    def wait_until(self, condition: Callable[[], bool], what: str, limit: float = START_LIMIT) -> None:
        """Waits until `condition()`; AssertionError after `limit` seconds or when the program ends before."""
        deadline = time.monotonic() + limit
        while not condition():
            assert self.status is None, f"ended with {self.status} before {what}:\n{self.text()}"
            assert time.monotonic() < deadline, f"not within {limit} s: {what}:\n{self.text()}"
            time.sleep(POLL_INTERVAL)

    def wait_printed(self, words: str, limit: float = START_LIMIT) -> None:
        """Waits until the program has printed `words`."""
        self.wait_until(lambda: words in self.text(), f"it printed {words!r}", limit)

    def wait_listening(self, address: tuple[str, int] | str) -> None:
        """Waits until somebody accepts connections at a TCP address or a Unix socket's path."""
        self.wait_until(lambda: listens(address), f"it listened at {address}")

    def signal(self, number: int) -> None:
        """Sends a signal to the program itself, not to its children."""
        self._process.send_signal(number)

    def wait(self, limit: float = 20.0) -> int:
        """Waits for its end and returns the status; AssertionError after `limit` seconds."""
        try:
            return self._process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {limit} s:\n{self.text()}") from None

    def terminate(self, limit: float = 20.0) -> int:
        """Sends SIGTERM, waits and returns the status."""
        self.signal(signal.SIGTERM)
        return self.wait(limit)

    def kill(self) -> None:
        """Ends the program and what it has started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()


def listens(address: tuple[str, int] | str) -> bool:
    """Tells whether a connection to `address` is accepted."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        return probe.connect_ex(address) == 0
