"""TLS: asyncio's protocol and transport, with the data path in Rust where this interpreter's OpenSSL can be driven.

The engine is ``fast`` or ``fallback``; ``transport.get_extra_info('tepal.tls_engine')`` says which.  The fallback is
asyncio's own ``sslproto``.  It is taken

* if ``TEPAL_TLS=fallback`` stands in the environment when the connection is made,
* if the interpreter has no ``ssl``, or an ``_ssl`` that is not a module of its own above a shared OpenSSL,
* for an ``SSLContext`` with ``wrap_bio``, ``sslobject_class`` or ``_msg_callback`` of its own: what these see or
  replace is each call of ``SSLObject``,
* for a connection whose ``SSL`` cannot be known for certain (docs/inside/decisions/0010-tls.md).
"""

import asyncio
import io
import os
import stat
import types
from asyncio import base_events, constants, sslproto
from collections.abc import Callable
from typing import Any

from tepal import _native

try:
    import _ssl
    import ssl
except ImportError:  # an interpreter without OpenSSL
    ssl = None  # type: ignore[assignment]

__all__ = ("can_send", "make_protocol", "send_file", "start_tls_of", "wrapping")

_ENGINE = "tepal.tls_engine"
_PIECE = 256 * 1024
"""How much of a file is encrypted in a turn (bytes)."""
_PIECE_OF_ASYNCIO = 16_384


class SSLProtocolTransport(_native.TlsTransportCore, sslproto._SSLProtocolTransport):
    """``asyncio.sslproto._SSLProtocolTransport`` with native writes."""


class SSLProtocol(_native.TlsProtocolCore, sslproto.SSLProtocol):
    """``asyncio.sslproto.SSLProtocol`` whose records are served natively once the handshake is done."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.max_size = 0  # type: ignore[misc]  # no buffer of its own: the loop's serves all connections
        self._watch()
        owner = None
        try:
            super().__init__(*args, **kwargs)
            owner = self._sslobj._sslobj  # type: ignore[attr-defined]
        finally:
            del self.max_size
            driven = self._attach(owner)
        self._extra[_ENGINE] = "fast" if driven else "fallback"

    def _get_app_transport(self) -> SSLProtocolTransport:
        if self._app_transport is None:
            if self._app_transport_created:
                raise RuntimeError("Creating _SSLProtocolTransport twice")
            self._app_transport = SSLProtocolTransport(self._loop, self)
            self._app_transport_created = True
        return self._app_transport  # type: ignore[return-value]

    def _set_read_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None and low is None:
            high = constants.FLOW_CONTROL_HIGH_WATER_SSL_READ * 1024
            self._incoming_high_water, self._incoming_low_water = high, high // 4
        else:
            super()._set_read_buffer_limits(high, low)  # type: ignore[misc]

    def _set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None and low is None:
            high = constants.FLOW_CONTROL_HIGH_WATER_SSL_WRITE * 1024
            self._outgoing_high_water, self._outgoing_low_water = high, high // 4
        else:
            super()._set_write_buffer_limits(high, low)  # type: ignore[misc]

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell the program's protocol; what `wait_closed()` of a stream waits for has then heard of the error."""
        protocol = self._app_protocol
        super().connection_lost(exc)
        if exc is not None and type(protocol) is asyncio.StreamReaderProtocol:
            self._loop.call_soon(_note_error_is_known, protocol)  # after the protocol's own `connection_lost()`

    def _resume_reading(self) -> None:
        """Deliver again, from the next turn on.

        Source: CPython ``Lib/asyncio/sslproto.py``, ``SSLProtocol._resume_reading``. There what has arrived is lost if
        the other side has ended the connection and reading is paused again before that turn.
        """
        if self._app_reading_paused:
            self._app_reading_paused = False
            self._loop.call_soon(self._resumed)

    def _resumed(self) -> None:
        if self._state is sslproto.SSLProtocolState.SHUTDOWN:
            self._do_shutdown()
        elif self._app_reading_paused:
            return
        elif self._state is sslproto.SSLProtocolState.WRAPPED:
            self._do_read()
        elif self._state is sslproto.SSLProtocolState.FLUSHING:
            self._do_flush()


def _note_error_is_known(protocol: asyncio.StreamReaderProtocol) -> None:
    """As `note_error_is_known` in Rust does for plain connections: nobody reports it, whatever ends first."""
    protocol._closed._log_traceback = False  # type: ignore[attr-defined]


_known: bool | None = None


def _openssl_is_known() -> bool:
    """Whether the OpenSSL that ``_ssl`` has loaded can be driven; found out once."""
    global _known
    if _known is None:
        _known = _try_openssl()
    return _known


def _try_openssl() -> bool:
    """Whether it is found, is of the version that ``ssl`` names, and answers for one ``SSLObject`` as that does."""
    file = None if ssl is None else getattr(_ssl, "__file__", None)
    if file is None or not _native.load_openssl(file, ssl.OPENSSL_VERSION_NUMBER, ssl.OPENSSL_VERSION):
        return False
    probe = _native.TlsProtocolCore()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    probe._watch()
    ssl_object = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(incoming, outgoing, server_side=True)
    if not probe._attach(getattr(ssl_object, "_sslobj", None)):
        return False
    incoming.write(b"tepal")
    return probe._pending() == (5, 0) and incoming.read() == b"tepal"


def _is_usual(context: "ssl.SSLContext | None") -> bool:
    """Whether what wraps and what is wrapped are ``ssl``'s own."""
    if not context:
        return True  # asyncio makes one
    kind = type(context)
    return (
        isinstance(context, ssl.SSLContext)
        and kind.wrap_bio is ssl.SSLContext.wrap_bio
        and kind._wrap_bio is _ssl._SSLContext._wrap_bio  # type: ignore[attr-defined]
        and not {"wrap_bio", "_wrap_bio"} & vars(context).keys()
        and context.sslobject_class is ssl.SSLObject
        and context._msg_callback is None  # type: ignore[attr-defined]
    )


def make_protocol(
    loop: Any, protocol: Any, sslcontext: Any, waiter: Any, *args: Any, **kwargs: Any
) -> sslproto.SSLProtocol:
    """Make what stands between a transport and ``protocol``; arguments and errors are those of ``SSLProtocol``."""
    # `os.environ.get()` without its four frames: this runs for each connection.
    variables = os.environ._data  # type: ignore[attr-defined]
    fast = variables.get(b"TEPAL_TLS") != b"fallback" and (_known or _openssl_is_known()) and _is_usual(sslcontext)
    if fast:
        return SSLProtocol(loop, protocol, sslcontext, waiter, *args, **kwargs)
    made = sslproto.SSLProtocol(loop, protocol, sslcontext, waiter, *args, **kwargs)
    made._extra[_ENGINE] = "fallback"
    return made


def can_send(transport: Any, file: Any) -> bool:
    """Whether `send_file` stands for asyncio's fallback: the records are ours, and the file is one on a disk."""
    raw = file.raw if type(file) is io.BufferedReader else file
    if type(transport) is not SSLProtocolTransport or type(raw) is not io.FileIO:
        return False
    return stat.S_ISREG(os.fstat(raw.fileno()).st_mode)


class _FileReader:
    """What asyncio's fallback of ``loop.sendfile()`` takes for the loop."""

    async def run_in_executor(self, executor: None, function: Callable[..., Any], *args: Any) -> Any:
        """Call at once, after a turn for the others."""
        await asyncio.sleep(0)
        return function(*args)


class _SendfileProtocol(base_events._SendfileFallbackProtocol):  # type: ignore[misc, name-defined]
    """asyncio's, which passes the end of the connection on also where it comes after the end of ``sendfile()``.

    CPython ``Lib/asyncio/base_events.py``: `restore()` cancels the Future that `connection_lost()` then gives an
    exception to, if a write has found the connection reset while writing was paused. That raised InvalidStateError, and
    the program's protocol never heard of the end.
    """

    _write_ready_fut: "asyncio.Future[bool] | None"

    def connection_lost(self, exc: Exception | None) -> None:
        if self._write_ready_fut is not None and self._write_ready_fut.done():
            self._write_ready_fut = None
        super().connection_lost(exc)


def _with_larger_pieces(function: Any) -> Callable[..., Any]:
    """The function with another constant for the size of a piece, and `_SendfileProtocol`."""
    constants = tuple(_PIECE if constant == _PIECE_OF_ASYNCIO else constant for constant in function.__code__.co_consts)
    names = {**function.__globals__, "_SendfileFallbackProtocol": _SendfileProtocol}
    return types.FunctionType(function.__code__.replace(co_consts=constants), names, function.__name__)


_send_file = _with_larger_pieces(base_events.BaseEventLoop._sendfile_fallback)  # type: ignore[attr-defined]


async def send_file(transport: Any, file: Any, offset: int, count: int | None) -> int:
    """Send ``count`` bytes of a file, or all; returns how many there were.

    This runs the interpreter's own ``BaseEventLoop._sendfile_fallback`` (CPython ``Lib/asyncio/base_events.py``). It
    reads pieces sixteen times as large, and in the loop's thread, as ``os.sendfile()`` does for plain sockets.
    """
    sent: int = await _send_file(_FileReader(), transport, file, offset, count)
    return sent


def wrapping(loop: Any, sslcontext: Any, timeouts: tuple[Any, ...]) -> Callable[[Any], sslproto.SSLProtocol]:
    """Return what makes the protocols of a server's connections; ``timeouts`` begin with handshake's and shutdown's."""
    # By position, which costs a connection less than names do: server_side, server_hostname, call_connection_made.
    rest = (True, None, True, *timeouts[:2])
    return lambda protocol: make_protocol(loop, protocol, sslcontext, None, *rest)


def start_tls_of(loop: Any) -> Callable[..., Any]:
    """``asyncio.BaseEventLoop.start_tls`` of this interpreter, making protocols of ours, bound to ``loop``."""
    inherited = base_events.BaseEventLoop.start_tls
    names = {**vars(base_events), "sslproto": types.SimpleNamespace(SSLProtocol=make_protocol)}
    function = types.FunctionType(inherited.__code__, names, inherited.__name__, inherited.__defaults__)
    function.__kwdefaults__ = inherited.__kwdefaults__
    return types.MethodType(function, loop)
