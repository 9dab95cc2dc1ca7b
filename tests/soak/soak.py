"""The soak: thousands of connections with everything that can go wrong, for as long as wanted.

    make soak PYTHON=3.14                        ten minutes on tepal
    make soak ARGS='--seconds 60 --seed 7'
    python tests/soak/soak.py --library asyncio --seconds 20       the soak itself, against asyncio

Random conversations over TCP and Unix sockets between every two of protocol, buffered protocol,
streams and sock_*, over TLS, over pipes, and through child processes: files by sendfile(), resets,
cancels, pauses, slow readers, half closes. Every byte is compared with what was sent, both ways. It
ends with status 0 only if no byte was lost or altered, no protocol was called out of order, nothing
was reported, nothing hung, and no descriptor, Task, process or memory is left.
"""

import argparse
import asyncio
import random
import statistics
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "tls")]

import library  # noqa: E402
from ends import FAULTS  # noqa: E402
from waves import Soak, Stillness  # noqa: E402

WARM_UP = 3
"""Waves before memory is compared: caches and free lists fill."""
BLOCKS_TOLERATED = 2_000
"""Small objects more at the end than after the warm-up: caches of the interpreter."""
BLOCKS_PER_WAVE = 10
"""And so many more for each wave: on CPython 3.14 asyncio itself leaves 8, some of them where files are opened."""
HEAP_TOLERATED = 1024 * 1024
"""Bytes more at the end than after the warm-up."""
MAXIMUM_FAULTS = 30


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long (600)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="where chance begins")
    parser.add_argument("--wave", type=int, default=600, metavar="N", help="conversations between two counts (600)")
    parser.add_argument("--at-once", type=int, default=200, metavar="N", help="conversations at a time (200)")
    parser.add_argument("--library", choices=library.NAMES, default="tepal")
    parser.add_argument("--debug", action="store_true", help="the loop's debug mode")
    return parser.parse_args()


def watch_for_reports() -> None:
    """Make a fault of what is only reported: unraisable exceptions, ends of threads, warnings."""

    def unraisable(report: Any) -> None:
        FAULTS.append(f"unraisable: {report.exc_value!r} in {report.object!r}")

    def thread_died(report: Any) -> None:
        FAULTS.append(f"a thread died: {report.exc_value!r}")

    def warned(message: Any, category: Any, *rest: Any) -> None:
        FAULTS.append(f"{category.__name__}: {message}")

    sys.unraisablehook = unraisable
    threading.excepthook = thread_died
    warnings.simplefilter("always")
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.showwarning = warned  # type: ignore[assignment]


def leaked(counts: list[Stillness]) -> list[str]:
    """What grew between the end of the warm-up and the end, as the medians of three waves each; [] if too few ran."""
    early, late = counts[WARM_UP : WARM_UP + 3], counts[-3:]
    if len(counts) < WARM_UP + 6:
        return []
    found = []
    blocks = BLOCKS_TOLERATED + BLOCKS_PER_WAVE * (len(counts) - WARM_UP)
    for name, tolerated in (("blocks", blocks), ("heap", HEAP_TOLERATED)):
        before = statistics.median(getattr(count, name) for count in early)
        grown = statistics.median(getattr(count, name) for count in late) - before
        if grown > tolerated:
            found.append(f"{name} grew by {grown:,.0f}, from {before:,.0f}, in {len(counts) - WARM_UP} waves")
    return found


async def soak(options: argparse.Namespace) -> tuple[Soak, list[Stillness]]:
    """Run waves until the time is over."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: FAULTS.append(f"reported: {context}"))
    this = Soak(options.seed, options.at_once)
    await this.open()
    counts: list[Stillness] = []
    ends = time.monotonic() + options.seconds
    while time.monotonic() < ends and len(FAULTS) < MAXIMUM_FAULTS:
        counts.append(await this.wave(options.wave))
        last = counts[-1]
        print(
            f"{this.started} conversations, {this.bytes / 2**20:,.0f} MiB; {last.blocks:,} blocks, "
            f"heap {last.heap / 2**20:.2f} MiB, RSS {last.resident / 2**20:.1f} MiB",
            flush=True,
        )
    await this.close()
    return this, counts


def main() -> int:
    """Soak, say what was found; returns the exit status."""
    options = parse()
    watch_for_reports()
    new_event_loop = library.load(options.library).new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop, debug=options.debug) as runner:
        this, counts = runner.run(soak(options))
    FAULTS.extend(leaked(counts))
    for fault in FAULTS[:MAXIMUM_FAULTS]:
        print(f"FAULT: {fault}")
    if len(counts) < WARM_UP + 6:
        print("too few waves to say anything about memory; take more --seconds or a smaller --wave")
    print(
        f"soak of {options.library} with --seed {options.seed}: {this.started} conversations, "
        f"{this.bytes / 2**30:.2f} GiB, {len(FAULTS)} faults"
    )
    return 1 if FAULTS or not this.started else 0


if __name__ == "__main__":
    sys.exit(main())
