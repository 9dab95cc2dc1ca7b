"""The event loop: the Rust core above the cold paths of this interpreter's own asyncio."""

import asyncio
import concurrent.futures
import contextvars
import functools
import os
import signal
import socket
import sys
import threading
import weakref
from asyncio import events
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from tepal import (
    _native,
    call_graph,
    datagram_transports,
    functions,
    registry,
    stream_transports,
    streams,
    subprocesses,
    tls,
)
from tepal.executor import DefaultExecutor, is_unchanged
from tepal.queue_views import Ready, Scheduled
from tepal.reactor import Reactor
from tepal.report import observing
from tepal.resolving import Resolver

if TYPE_CHECKING:
    from tepal.report import Report

__all__ = ("EventLoop",)

_loops: "weakref.WeakSet[EventLoop]" = weakref.WeakSet()


def _renew_after_fork() -> None:
    """Gives every loop of a forked child its own epoll, so that it never touches the parent's, and its own threads."""
    for loop in list(_loops):
        loop._after_fork()
        if type(getattr(loop, "_default_executor", None)) is DefaultExecutor:
            # Its threads did not come along; the next call makes another one.
            loop._default_executor = None


os.register_at_fork(after_in_child=_renew_after_fork)


_T = TypeVar("_T")

_ACCEPTING = frozenset(
    ("_accept_connection2", "_make_socket_transport", "_make_ssl_transport", "create_task", "create_future")
)
"""What accepting a connection passes by."""

_update_position: Any = asyncio.SelectorEventLoop._sock_sendfile_update_filepos  # type: ignore[attr-defined]
_ALWAYS_SEEKS: bool = _update_position.__code__.co_argcount == 3
"""Whether asyncio sets a file's position also where nothing of it was sent; older versions ask how much was sent."""

_CREATE_FUTURE = _native.LoopCore.create_future
_PROCESS_EVENTS: Any = asyncio.SelectorEventLoop._process_events  # type: ignore[attr-defined]


class EventLoop(_native.LoopCore, asyncio.SelectorEventLoop):
    """An asyncio event loop whose scheduling, timers, Tasks and Futures run in Rust.

    What runs per callback, per Task step or per wait is Rust; what runs per connection or per
    loop is inherited from ``asyncio.SelectorEventLoop`` of the interpreter that runs, so that it
    is exact on every version.

    Differences from asyncio:
      * ``create_task`` and ``create_future`` make ``tepal.Task`` and ``tepal.Future``.
      * With work ready, the kernel is polled once per 64 callbacks or 25 microseconds (per 1024
        callbacks or 400 microseconds while no descriptor of the program is watched).
      * Name resolution has its own threads, and literal addresses need none.
      * With ``keep_tasks=True`` the loop itself keeps every Task until it is done or the loop is closed, so that one
        which nobody else keeps is not ended by the garbage collector.
    """

    def __init__(self, selector: Any = None, *, keep_tasks: bool = False) -> None:
        if selector is not None:
            raise TypeError("tepal.EventLoop polls by itself: selector must be None")
        _native.LoopCore.__init__(self)
        registry.install()
        call_graph.install()
        functions.install()
        streams.install()
        self._resolver = Resolver()
        super(_native.LoopCore, self).__init__(Reactor(self))
        self._set_own_descriptors(1)
        _loops.add(self)
        if keep_tasks:
            self._keep_tasks(True)
        self._recording = observing.join(self)

    _default_executor: "concurrent.futures.Executor | None"
    _coroutine_origin_tracking_enabled: bool
    _recording: "observing.Observer | None" = None
    _selector: Any  # a Reactor, unless somebody has put another one in its place
    _process_events: Any

    # The queues, as asyncio's methods and third parties see them.

    @property
    def _ready(self) -> Ready:
        return Ready(self)

    @_ready.setter
    def _ready(self, handles: Iterable[asyncio.Handle]) -> None:
        self._clear_ready()
        for handle in handles:
            self._add_callback(handle)

    @property
    def _scheduled(self) -> Scheduled:
        return Scheduled(self)

    @_scheduled.setter
    def _scheduled(self, handles: Iterable[asyncio.TimerHandle]) -> None:
        given = list(handles)
        self._clear_scheduled()
        for handle in given:
            self._schedule_handle(handle)

    # Running and closing.

    def run_forever(self) -> None:
        """Run until ``stop()`` is called.

        Raises RuntimeError if this loop or another one of this thread runs already, or if it is
        closed; SystemExit and KeyboardInterrupt out of callbacks leave the loop.
        """
        self._check_closed()
        self._check_running()
        if self._recording is not None:
            self._recording.runs(self)
        self._set_coroutine_origin_tracking(self._debug)
        hooks = sys.get_asyncgen_hooks()
        wakeup = None
        try:
            self._thread_id = threading.get_ident()
            wakeup = self._take_wakeup_fd()
            sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)
            events._set_running_loop(self)
            if self._turns_are_replaced():
                while True:
                    self._run_once()
                    if self._stopping:
                        break
            else:
                self._set_selecting(self._polling_is_replaced())
                self._run_until_stopped()
        finally:
            self._stopping = False
            self._thread_id = None
            events._set_running_loop(None)
            self._set_coroutine_origin_tracking(False)
            sys.set_asyncgen_hooks(*hooks)
            self._give_wakeup_fd_back(wakeup)
            if self._recording is not None:
                self._recording.rested(self)

    def _set_coroutine_origin_tracking(self, enabled: bool) -> None:
        """As asyncio's; coroutines of ours remember as well where they were made."""
        before = self._coroutine_origin_tracking_enabled
        super()._set_coroutine_origin_tracking(enabled)
        if bool(enabled) != bool(before):
            _native.keep_coroutine_origins(bool(enabled))

    def _turns_are_replaced(self) -> bool:
        """Whether a subclass or somebody else has put another ``_run_once`` in place."""
        return type(self)._run_once is not _native.LoopCore._run_once or "_run_once" in self.__dict__

    def _polling_is_replaced(self) -> bool:
        """Whether somebody has replaced ``_selector``, its ``select``, ``_process_events`` or what that calls."""
        return (
            type(self._selector) is not Reactor
            or "select" in self._selector.__dict__
            or type(self)._process_events is not _PROCESS_EVENTS
            or "_process_events" in self.__dict__
            or type(self)._add_callback is not _native.LoopCore._add_callback
            or "_add_callback" in self.__dict__
        )

    def _select_and_process(self, timeout: float | None) -> None:
        """What a turn does first on asyncio, for turns whose polling is replaced."""
        self._process_events(self._selector.select(timeout))

    def _take_wakeup_fd(self) -> int | None:
        """Let signals write to our self-pipe, so that they end a wait of the main thread at once.

        Returns what to set afterwards, or None if nothing was changed: in another thread, or if
        the program has set a descriptor of its own.
        """
        if threading.current_thread() is not threading.main_thread():
            return None
        try:
            before = signal.set_wakeup_fd(self._csock.fileno(), warn_on_full_buffer=False)
        except ValueError:  # the main thread of a sub-interpreter
            return None
        if before not in (-1, self._csock.fileno()):
            signal.set_wakeup_fd(before)
            return None
        return -1

    def _give_wakeup_fd_back(self, before: int | None) -> None:
        if before is not None and not self._signal_handlers and self._csock is not None:
            signal.set_wakeup_fd(before)

    def remove_signal_handler(self, sig: int) -> bool:
        """Remove a handler; return whether there was one (asyncio's method)."""
        removed = super().remove_signal_handler(sig)
        if removed and not self._signal_handlers and self.is_running():
            self._take_wakeup_fd()
        return removed

    def close(self) -> None:
        """Close the loop: forget what is queued, release descriptors and threads.

        Raises RuntimeError if the loop runs. A second call does nothing.
        """
        if not self.is_running():
            if self._recording is not None:
                self._recording.leave(self)
                self._recording = None
            self._resolver.close()
            if (children := getattr(self, "_children", None)) is not None:
                children.close()
        super().close()
        self._close_core()  # which the selector cannot reach any more where the collector has found the loop

    # Executors.

    def run_in_executor(  # type: ignore[override]
        self, executor: "concurrent.futures.Executor | None", func: Callable[..., _T], *args: Any
    ) -> "asyncio.Future[_T]":
        """Call ``func(*args)`` in ``executor`` (default: the loop's thread pool); return a Future of its result.

        Raises RuntimeError if the loop is closed or its default executor was shut down, TypeError in
        debug mode if ``func`` is a coroutine function. As ``asyncio.BaseEventLoop.run_in_executor``,
        except that a call in the loop's own pool needs no ``concurrent.futures.Future``, and that the way back from
        another executor's thread is one native object.
        """
        self._check_closed()
        if self.get_debug():
            self._check_callback(func, "run_in_executor")  # type: ignore[attr-defined]
        if executor is None:
            executor = self._default_executor
            self._check_default_executor()  # type: ignore[attr-defined]
            if executor is None:
                if is_unchanged():
                    executor = DefaultExecutor()
                else:
                    executor = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="asyncio")
                self._default_executor = executor
        plain = type(self).create_future is _CREATE_FUTURE and "create_future" not in self.__dict__
        if plain and type(executor) is DefaultExecutor and is_unchanged():
            future = executor.call(self, func, args)
            if future is not None:
                return future
        source = executor.submit(func, *args)
        if not plain or not isinstance(source, concurrent.futures.Future):
            return asyncio.wrap_future(source, loop=self)
        destination = self.create_future()
        _native.follow(source, destination)
        return destination

    # Files to sockets; asyncio's `sock_sendfile` and `sendfile` call this.

    async def _sock_sendfile_native(self, sock: socket.socket, file: Any, offset: int, count: int | None) -> int:
        if type(sock) is not socket.socket:
            inherited: int = await super()._sock_sendfile_native(sock, file, offset, count)  # type: ignore[misc]
            return inherited
        try:
            fileno = file.fileno()
            size = os.fstat(fileno).st_size
        except (AttributeError, OSError) as error:  # io.UnsupportedOperation is an OSError
            raise asyncio.SendfileNotAvailableError("not a regular file") from error
        block = count or size
        return await self._send_file(sock, (fileno, offset, count or 0, block, _ALWAYS_SEEKS)) if block else 0

    # Transports; asyncio's own methods, which connect and accept, call these.

    def _accept_connection(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        sock: socket.socket,
        sslcontext: Any = None,
        server: Any = None,
        backlog: int = 100,
        *timeouts: Any,
        context: Any = None,
        **options: Any,
    ) -> None:
        # From 3.15 on the context follows the two timeouts.
        where = timeouts[2] if len(timeouts) > 2 else context
        if context is not None:
            options["context"] = context
        if not self._debug and not self._accepting_is_replaced():
            wrap = tls.wrapping(self, sslcontext, timeouts) if sslcontext else None
            try:
                if self._accept_streams(protocol_factory, sock, server, backlog, where, wrap):
                    return
            except OSError as error:
                given = (protocol_factory, sock, sslcontext, server, backlog, *timeouts)
                self._pause_accepting(error, sock, functools.partial(self._start_serving, *given, **options))
                return
        super()._accept_connection(  # type: ignore[misc]
            protocol_factory, sock, sslcontext, server, backlog, *timeouts, **options
        )

    def _pause_accepting(self, error: OSError, sock: socket.socket, go_on: Callable[[], None]) -> None:
        """Say once that descriptors or memory have run out, and listen again after a second."""
        self.call_exception_handler(
            {
                "message": "socket.accept() out of system resource",
                "exception": error,
                "socket": asyncio.trsock.TransportSocket(sock),
            }
        )
        self._remove_reader(sock.fileno())
        self.call_later(asyncio.constants.ACCEPT_RETRY_DELAY, go_on)

    def _start_serving(
        self, protocol_factory: Callable[[], Any], sock: socket.socket, *others: Any, **options: Any
    ) -> None:
        if sock.fileno() >= 0:  # or the server was closed before the second was over
            super()._start_serving(protocol_factory, sock, *others, **options)  # type: ignore[misc]

    def _accepting_is_replaced(self) -> bool:
        """Whether a subclass or somebody else has put another method in the place of one that is passed by."""
        if not _ACCEPTING.isdisjoint(self.__dict__):
            return True
        kind = type(self)
        return kind is not EventLoop and any(getattr(kind, name) is not getattr(EventLoop, name) for name in _ACCEPTING)

    def _make_socket_transport(
        self,
        sock: socket.socket,
        protocol: asyncio.BaseProtocol,
        waiter: "asyncio.Future[None] | None" = None,
        *,
        extra: dict[str, Any] | None = None,
        server: asyncio.AbstractServer | None = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Transport:
        return stream_transports.make(self, sock, protocol, waiter, extra, server, context)

    def _make_datagram_transport(
        self,
        sock: socket.socket,
        protocol: asyncio.BaseProtocol,
        address: Any = None,
        waiter: "asyncio.Future[None] | None" = None,
        extra: dict[str, Any] | None = None,
    ) -> asyncio.DatagramTransport:
        return datagram_transports.make(self, sock, protocol, address, waiter, extra)

    def _make_read_pipe_transport(
        self,
        pipe: Any,
        protocol: asyncio.BaseProtocol,
        waiter: "asyncio.Future[None] | None" = None,
        extra: dict[str, Any] | None = None,
    ) -> asyncio.ReadTransport:
        return self._new_read_pipe_transport(pipe, protocol, waiter, extra)

    def _make_write_pipe_transport(
        self,
        pipe: Any,
        protocol: asyncio.BaseProtocol,
        waiter: "asyncio.Future[None] | None" = None,
        extra: dict[str, Any] | None = None,
    ) -> asyncio.WriteTransport:
        return self._new_write_pipe_transport(pipe, protocol, waiter, extra)

    def _make_ssl_transport(
        self,
        rawsock: socket.socket,
        protocol: asyncio.BaseProtocol,
        sslcontext: Any,
        waiter: "asyncio.Future[None] | None" = None,
        *,
        extra: dict[str, Any] | None = None,
        server: asyncio.AbstractServer | None = None,
        context: contextvars.Context | None = None,
        **tls: Any,
    ) -> asyncio.Transport:
        return stream_transports.make_tls(self, rawsock, protocol, sslcontext, waiter, extra, server, context, tls)

    async def _sendfile_fallback(self, transp: Any, file: Any, offset: int, count: int | None) -> int:
        if tls.can_send(transp, file):
            return await tls.send_file(transp, file, offset, count)
        sent: int = await super()._sendfile_fallback(transp, file, offset, count)  # type: ignore[misc]
        return sent

    async def start_tls(
        self,
        transport: asyncio.BaseTransport,
        protocol: asyncio.BaseProtocol,
        sslcontext: Any,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> asyncio.Transport | None:
        """Upgrade a transport to TLS, as ``asyncio.BaseEventLoop.start_tls``, whose code runs here."""
        started: asyncio.Transport | None = await tls.start_tls_of(self)(
            transport,
            protocol,
            sslcontext,
            server_side=server_side,
            server_hostname=server_hostname,
            ssl_handshake_timeout=ssl_handshake_timeout,
            ssl_shutdown_timeout=ssl_shutdown_timeout,
        )
        return started

    if sys.version_info < (3, 12):
        _children: subprocesses.Children | None = None

        async def _make_subprocess_transport(
            self,
            protocol: Any,
            args: Any,
            shell: bool,
            stdin: Any,
            stdout: Any,
            stderr: Any,
            bufsize: int,
            extra: dict[str, Any] | None = None,
            **options: Any,
        ) -> asyncio.SubprocessTransport:
            streams = (stdin, stdout, stderr)
            if not subprocesses.asyncio_would_start_threads():
                inherited = super()._make_subprocess_transport  # type: ignore[misc]
                made: asyncio.SubprocessTransport = await inherited(
                    protocol, args, shell, *streams, bufsize, extra, **options
                )
                return made
            if self._children is None:
                self._children = subprocesses.Children(self)
            return await self._children.make_transport(protocol, args, shell, *streams, bufsize, extra, options)

    # Names.

    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """Resolve as ``socket.getaddrinfo``; literal addresses without a thread.

        Raises OSError (``socket.gaierror``) as that function does.
        """
        return await self._resolver.getaddrinfo(self, host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        """Resolve as ``socket.getnameinfo``, in the resolver's threads."""
        return await self._resolver.getnameinfo(self, sockaddr, flags)

    # What it did.

    def report(self) -> "Report":
        """Return a ``tepal.report.Report`` of what this loop has done so far.

        While a recording runs (``python -m tepal report``, ``TEPAL_REPORT``, ``tepal.report.Recording``), with its
        findings; else with the sums that every loop keeps: Tasks, steps, turns, busy and idle time.
        """
        from tepal.report import Report, recording  # noqa: PLC0415  (few programs ask)

        known = self._recording
        if isinstance(known, recording.Recording):
            return Report(known, known.records(self))
        return Report(None, [recording.LoopRecord(counters=self._counters())])

    def __repr__(self) -> str:
        return (
            f"<{self.__class__.__name__} running={self.is_running()} "
            f"closed={self.is_closed()} debug={self.get_debug()}>"
        )
