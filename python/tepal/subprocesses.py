"""Waiting for child processes on CPython 3.11: by pidfd, where asyncio starts a thread for each.

From 3.12 on asyncio does so itself (``unix_events.PidfdChildWatcher``), where the kernel has pidfds (Linux 5.3).
Where it has none, and where the program has chosen another child watcher than the default one, asyncio's ways are left
alone.
"""

import asyncio
import os
import signal
import sys
import threading
from asyncio import unix_events
from asyncio.log import logger
from typing import Any

from tepal._native import LoopCore

__all__ = ("Children", "asyncio_would_start_threads")


def asyncio_would_start_threads() -> bool:
    """Whether asyncio of this interpreter would wait in a thread, although the kernel has pidfds."""
    watcher = getattr(asyncio.get_event_loop_policy(), "_watcher", False)
    default = watcher is None or type(watcher) is unix_events.ThreadedChildWatcher
    return default and _kernel_has_pidfds()


def _kernel_has_pidfds() -> bool:
    if not hasattr(os, "pidfd_open"):
        return False
    try:
        pidfd = os.pidfd_open(os.getpid())
        try:
            signal.pidfd_send_signal(pidfd, 0)
        finally:
            os.close(pidfd)
    except OSError:  # an old kernel, or a sandbox that forbids it
        return False
    return True


def _unknown(pid: int) -> int:
    """What asyncio reports of a process that somebody else has waited for."""
    logger.warning("child process pid %d exit status already read:  will report returncode 255", pid)
    return 255


class Children:
    """The processes that a loop waits for, with the pidfd and the transport of each."""

    def __init__(self, loop: LoopCore) -> None:
        self._loop = loop
        self._process = os.getpid()
        self._waited_for: dict[int, tuple[int, Any]] = {}

    async def make_transport(
        self,
        protocol: asyncio.SubprocessProtocol,
        args: Any,
        shell: bool,
        stdin: Any,
        stdout: Any,
        stderr: Any,
        bufsize: int,
        extra: dict[str, Any] | None,
        options: dict[str, Any],
    ) -> asyncio.SubprocessTransport:
        """Start a process and return its transport once its pipes are connected.

        ``options`` go to ``subprocess.Popen``. Raises what that raises, and what connecting the pipes raises: the
        process is killed then. The part of ``_make_subprocess_transport`` (CPython ``Lib/asyncio/unix_events.py``).
        """
        waiter = self._loop.create_future()
        transport: Any = unix_events._UnixSubprocessTransport(  # type: ignore[attr-defined]
            self._loop, protocol, args, shell, stdin, stdout, stderr, bufsize, waiter=waiter, extra=extra, **options
        )
        refused = self._wait_for(transport)
        try:
            await waiter
            if refused is not None:
                raise refused
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:
            transport.close()
            await transport._wait()
            raise
        made: asyncio.SubprocessTransport = transport
        return made

    def _wait_for(self, transport: Any) -> OSError | None:
        """Wait for the process of ``transport``, or end it, if there is no descriptor to wait with: the error then."""
        pid = transport.get_pid()
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:  # it has ended, and somebody else has waited for it, or SIGCHLD is ignored
            self._loop.call_soon(transport._process_exited, _unknown(pid))
        except OSError as error:
            transport._proc.kill()
            transport._process_exited(transport._proc.wait())
            return error
        else:
            self._waited_for[pid] = pidfd, transport
            self._loop._add_reader(pidfd, self._exited, pid, transport)
        return None

    def _exited(self, pid: int, transport: Any) -> None:
        pidfd, _ = self._waited_for.pop(pid)
        self._loop._remove_reader(pidfd)
        try:
            _, status = os.waitpid(pid, 0)
        except ChildProcessError:
            returncode = _unknown(pid)
        else:
            returncode = os.waitstatus_to_exitcode(status)
        finally:
            os.close(pidfd)
        # One turn later, as asyncio has it: what the pipes still bring comes first.
        self._loop.call_soon(self._loop.call_soon, transport._process_exited, returncode)

    def close(self) -> None:
        """Let the processes go; they run on.

        asyncio's thread for each of them outlives the loop: it keeps the transport, which would kill the process when
        it is destroyed, and waits. So a thread is started for those that are left.
        """
        while self._waited_for:
            pid, (pidfd, transport) = self._waited_for.popitem()
            os.close(pidfd)
            if self._process != os.getpid():  # the processes of the one that has forked us
                continue
            if transport._closed or transport._proc.poll() is not None:  # nothing to wait for
                continue
            if sys.is_finalizing():  # too late for threads
                transport._closed = True
            else:
                waiting = (self._loop, pid, transport)
                threading.Thread(target=_outlive, args=waiting, name=f"waitpid-{pid}", daemon=True).start()


def _outlive(loop: LoopCore, pid: int, _transport: Any) -> None:
    """Wait for a process whose loop is closed, and say so; the transport lives as long."""
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        _unknown(pid)
    logger.warning("Loop %r that handles pid %r is closed", loop, pid)
