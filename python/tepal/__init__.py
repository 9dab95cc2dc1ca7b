"""tepal: asyncio's event loop, Task and Future in Rust.

Any asyncio program runs on it unchanged::

    import asyncio, tepal

    tepal.run(main())                                            # as asyncio.run()
    asyncio.run(main(), loop_factory=tepal.new_event_loop)       # Python 3.12 and newer
    asyncio.Runner(loop_factory=tepal.new_event_loop)            # Python 3.11 and newer

and ``python -m tepal run SCRIPT`` runs a program that does not know of tepal at all.

``EventLoopPolicy`` and ``install()`` exist until Python 3.16, which has no event loop policies any more; they are
imported when first asked for, since the base class of a policy is deprecated from Python 3.14 on.
"""

import sys as _sys
from typing import TYPE_CHECKING as _TYPE_CHECKING

from tepal.interpreter import missing_native_module as _missing_native_module
from tepal.interpreter import require_supported_interpreter as _require_supported_interpreter

_require_supported_interpreter()

# asyncio comes first: if the native module were the first to import _asyncio, _asyncio of 3.11 would import asyncio in
# the middle of its own start, be started a second time by it, and keep two registries of the current task.
import asyncio as _asyncio  # noqa: E402, F401

try:
    from tepal._native import Future, Handle, Task, TimerHandle
except ModuleNotFoundError as _error:
    if _error.name != "tepal._native":
        raise
    raise _missing_native_module(list(__path__)) from None

from tepal.eager import eager_task_factory  # noqa: E402  (only once the native module is known to be there)
from tepal.event_loop import EventLoop  # noqa: E402
from tepal.running import new_event_loop, run  # noqa: E402

__all__ = [
    "EventLoop",
    "Future",
    "Handle",
    "Task",
    "TimerHandle",
    "__version__",
    "eager_task_factory",
    "new_event_loop",
    "run",
]

if _sys.version_info < (3, 16):
    __all__ += ["EventLoopPolicy", "install"]


if _TYPE_CHECKING:
    __version__: str
    from tepal.policy import EventLoopPolicy, install
else:

    def __getattr__(name: str) -> object:
        """Return ``EventLoopPolicy``, ``install`` or ``__version__``, made on first use (PEP 562).

        Raises ``AttributeError``; from Python 3.16 on also for the two names of policies, with what to use instead.
        """
        if name == "__version__":
            from importlib import metadata  # noqa: PLC0415  (dear to import, and few programs ask)

            value: object = metadata.version("tepal")
        elif name in ("EventLoopPolicy", "install"):
            if _sys.version_info >= (3, 16):
                raise AttributeError(
                    f"tepal.{name} is gone, as are event loop policies in Python 3.16. "
                    "Use tepal.run(main()) or asyncio.run(main(), loop_factory=tepal.new_event_loop)."
                )
            from tepal import policy  # noqa: PLC0415  (see the module's docstring)

            value = getattr(policy, name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
