//! The strings that this crate uses as attribute, method and keyword names.

use std::cell::UnsafeCell;

use pyo3::ffi;

use super::errors::{PyResult, Raised};
use super::object::Object;

macro_rules! names {
    ($($name:ident = $text:literal,)+) => {
        /// A name that is interned once, when the module is made.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Name { $(#[doc = $text] $name,)+ }

        const TEXTS: &[&str] = &[$($text,)+];
    };
}

names! {
    Accept = "accept",
    AddDoneCallback = "add_done_callback",
    Addr = "addr",
    Address = "address",
    Args = "args",
    Backlog = "backlog",
    Begin = "_begin",
    BufferUnderscore = "_buffer",
    BufferUpdated = "buffer_updated",
    AsyncioFutureBlocking = "_asyncio_future_blocking",
    Buf = "buf",
    Bufsize = "bufsize",
    CallExceptionHandler = "call_exception_handler",
    CallUnderscore = "_call",
    CallAt = "call_at",
    CallSoon = "call_soon",
    CallSoonThreadsafe = "call_soon_threadsafe",
    CallSoonUnderscore = "_call_soon",
    CallConnectionLost = "_call_connection_lost",
    Callback = "callback",
    Called = "name",
    Cancel = "cancel",
    Cancelled = "cancelled",
    Classify = "classify",
    ChildIsDone = "_done_callback",
    ClientConnectedCb = "_client_connected_cb",
    ClientsUnderscore = "_clients",
    Close = "close",
    Closed = "_closed",
    CompleteFut = "_complete_fut",
    Connected = "connected",
    ConnectionLost = "connection_lost",
    ConnectionLostUnderscore = "_connection_lost",
    ConnectionMade = "connection_made",
    CoCode = "co_code",
    CoFilename = "co_filename",
    CoFunction = "co_name",
    Context = "context",
    Coro = "coro",
    CrCode = "cr_code",
    CreateFuture = "create_future",
    CreateTask = "create_task",
    CurrentHandle = "_current_handle",
    Data = "data",
    DataReceived = "data_received",
    DatagramReceived = "datagram_received",
    Default = "default",
    Delay = "delay",
    DeliveredUnderscore = "_delivered",
    EagerStart = "eager_start",
    EnsureFdNoTransport = "_ensure_fd_no_transport",
    EofUnderscore = "_eof",
    EofReceived = "eof_received",
    ErrorReceived = "error_received",
    Exc = "exc",
    Exception = "exception",
    ExceptionUnderscore = "_exception",
    Extra = "extra",
    FatalErrorUnderscore = "_fatal_error",
    Family = "family",
    File = "file",
    Fileno = "fileno",
    Finished = "FINISHED",
    Future = "future",
    GetBuffer = "get_buffer",
    GiCode = "gi_code",
    GetDebug = "get_debug",
    GetLoop = "get_loop",
    Gettimeout = "gettimeout",
    Handle = "handle",
    High = "high",
    Level = "level",
    IoReferences = "_io_refs",
    Key = "key",
    Limit = "limit",
    LimitUnderscore = "_limit",
    ListOfData = "list_of_data",
    Loop = "loop",
    LoopUnderscore = "_loop",
    Low = "low",
    Message = "message",
    Msg = "msg",
    N = "n",
    NativeState = "_native_state",
    Nbytes = "nbytes",
    PausedUnderscore = "_paused",
    PauseWriting = "pause_writing",
    Peername = "peername",
    Pipe = "pipe",
    PipeDataReceived = "pipe_data_received",
    PipeDataReceivedUnderscore = "_pipe_data_received",
    Protocol = "protocol",
    ProtocolFactory = "protocol_factory",
    ProtocolUnderscore = "_protocol",
    ReaderUnderscore = "_reader",
    Qualname = "__qualname__",
    ReadReady = "_read_ready",
    RunUnderscore = "_run",
    Run = "run",
    Ready = "_ready",
    Recv = "recv",
    RecvInto = "recv_into",
    Recvfrom = "recvfrom",
    RecvfromInto = "recvfrom_into",
    RemoveUnderscore = "_remove",
    Result = "result",
    ResultUnderscore = "_result",
    ReturnExceptions = "return_exceptions",
    ResumeWriting = "resume_writing",
    Send = "send",
    Sendmsg = "sendmsg",
    Sendto = "sendto",
    Separator = "separator",
    Server = "server",
    SetException = "set_exception",
    SetResult = "set_result",
    Setblocking = "setblocking",
    Shutdown = "shutdown",
    SlowCallbackDuration = "slow_callback_duration",
    Sock = "sock",
    SockUnderscore = "_sock",
    Socket = "socket",
    Sockname = "sockname",
    SocketsUnderscore = "_sockets",
    SourceTraceback = "source_traceback",
    SourceTracebackUnderscore = "_source_traceback",
    State = "_state",
    StreamReaderWeakly = "_stream_reader_wr",
    StreamWriterUnderscore = "_stream_writer",
    StrongReader = "_strong_reader",
    Task = "task",
    Threshold = "threshold",
    Throw = "throw",
    Time = "time",
    TimerHandleCancelled = "_timer_handle_cancelled",
    Transport = "transport",
    TransportUnderscore = "_transport",
    Transports = "_transports",
    Value = "value",
    Waited = "waited",
    Done = "done",
    TasksUnderscore = "_tasks",
    ParentTaskUnderscore = "_parent_task",
    OnTaskDone = "_on_task_done",
    OnCompletedUnderscore = "_on_completed_fut",
    ExitingUnderscore = "_exiting",
    EnteredUnderscore = "_entered",
    AbortingUnderscore = "_aborting",
    Waiter = "_waiter",
    WaiterPlain = "waiter",
    When = "when",
    WriteReady = "_write_ready",
    Wrap = "wrap",
    AppStateUnderscore = "_app_state",
    AppTransportUnderscore = "_app_transport",
    CallEofReceivedUnderscore = "_call_eof_received",
    CallLater = "call_later",
    CheckHandshakeTimeout = "_check_handshake_timeout",
    CheckShutdownTimeout = "_check_shutdown_timeout",
    Cipher = "cipher",
    Compression = "compression",
    DoHandshake = "do_handshake",
    DoRead = "_do_read",
    EofReceivedUnderscore = "_eof_received",
    ExtraUnderscore = "_extra",
    GetAppTransport = "_get_app_transport",
    Getpeercert = "getpeercert",
    HandshakeTimeout = "_ssl_handshake_timeout",
    HandshakeTimeoutHandle = "_handshake_timeout_handle",
    OnShutdownComplete = "_on_shutdown_complete",
    Peercert = "peercert",
    ShutdownTimeout = "_ssl_shutdown_timeout",
    ShutdownTimeoutHandle = "_shutdown_timeout_handle",
    SslObject = "ssl_object",
    SslobjUnderscore = "_sslobj",
    WakeupWaiter = "_wakeup_waiter",
}

struct Table(UnsafeCell<Vec<Object>>);

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Table {}

static TABLE: Table = Table(UnsafeCell::new(Vec::new()));

/// Interns all names; called once by the module's initialisation.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn intern_all() -> PyResult<()> {
    let mut objects = Vec::with_capacity(TEXTS.len());
    for text in TEXTS {
        objects.push(intern(text)?);
    }
    // SAFETY: the GIL is held, and no reference into the table exists before this.
    unsafe { *TABLE.0.get() = objects };
    Ok(())
}

/// An interned string.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn intern(text: &str) -> PyResult<Object> {
    // SAFETY: text and length describe a valid UTF-8 buffer; InternInPlace exchanges the
    // owned reference for another owned one.
    unsafe {
        let mut pointer =
            ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len() as ffi::Py_ssize_t);
        if pointer.is_null() {
            return Err(Raised::already());
        }
        ffi::PyUnicode_InternInPlace(&mut pointer);
        Ok(Object::from_owned(pointer).unwrap_unchecked())
    }
}

impl Name {
    /// The text.
    pub(crate) const fn text(self) -> &'static str {
        TEXTS[self as usize]
    }

    /// The interned string.
    #[inline(always)]
    pub(crate) fn object(self) -> &'static Object {
        // SAFETY: the table is filled before any of our types can be reached, is never
        // changed after, and has one entry for each variant.
        unsafe { (&*TABLE.0.get()).get_unchecked(self as usize) }
    }
}
