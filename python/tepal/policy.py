"""The event loop policy that makes asyncio use tepal everywhere, for Python 3.11 to 3.15.

Python 3.14 deprecates policies and 3.16 removes them; ``tepal.run()``, ``loop_factory=`` and ``python -m tepal run``
need none that a program would see. Import this module only when a policy is really wanted.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from asyncio import events, unix_events
from typing import TYPE_CHECKING

from tepal.event_loop import EventLoop

if sys.version_info >= (3, 16):
    raise ImportError(
        "Python 3.16 has no event loop policies. "
        "Use tepal.run(main()) or asyncio.run(main(), loop_factory=tepal.new_event_loop)."
    )

if TYPE_CHECKING:
    _UnixPolicy = asyncio.DefaultEventLoopPolicy
else:
    # The same class by its private name, which all of 3.11 to 3.15 have: the public name warns from 3.14 on. Until
    # 3.13 it also owns the child watcher, which subprocesses need.
    _UnixPolicy = unix_events._UnixDefaultEventLoopPolicy


class EventLoopPolicy(_UnixPolicy):
    """asyncio's Unix policy with ``tepal.EventLoop`` as the loop that it makes.

    One loop per thread, child watchers (until Python 3.13) and the warnings are those of the Python at hand, since
    they are inherited. ``asyncio.new_event_loop()``, ``asyncio.run()`` and ``asyncio.Runner`` without a
    ``loop_factory`` ask the policy.
    """

    _loop_factory = EventLoop


def set_policy(policy: EventLoopPolicy | None) -> None:
    """Make ``policy`` the process's event loop policy, without the warning that 3.14's public function gives.

    ``None`` restores asyncio's default. Raises ``TypeError`` if ``policy`` is something else.
    """
    if sys.version_info >= (3, 14):
        events._set_event_loop_policy(policy)
    else:
        asyncio.set_event_loop_policy(policy)


def install() -> None:
    """Make every loop that asyncio creates from now on a tepal loop.

    Affects the whole process, and only loops that are made through the policy. Gives a ``DeprecationWarning`` from
    Python 3.12 on, as ``uvloop.install()`` does: ``tepal.run()`` and ``loop_factory=`` say the same in the place
    where it matters. Gone in 3.16.
    """
    if sys.version_info >= (3, 12):
        warnings.warn(
            "tepal.install() is deprecated from Python 3.12 on, "
            "use tepal.run() or loop_factory=tepal.new_event_loop instead",
            DeprecationWarning,
            stacklevel=2,
        )
    set_policy(EventLoopPolicy())
