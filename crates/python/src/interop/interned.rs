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
    AddDoneCallback = "add_done_callback",
    Args = "args",
    AsyncioFutureBlocking = "_asyncio_future_blocking",
    Callback = "callback",
    CallExceptionHandler = "call_exception_handler",
    CallSoon = "call_soon",
    Cancel = "cancel",
    Context = "context",
    Coro = "coro",
    CurrentHandle = "_current_handle",
    Delay = "delay",
    EagerStart = "eager_start",
    Exception = "exception",
    File = "file",
    Future = "future",
    GetDebug = "get_debug",
    GetLoop = "get_loop",
    Handle = "handle",
    Limit = "limit",
    Loop = "loop",
    LoopUnderscore = "_loop",
    Message = "message",
    Msg = "msg",
    Called = "name",
    Result = "result",
    SlowCallbackDuration = "slow_callback_duration",
    SourceTraceback = "source_traceback",
    Task = "task",
    Throw = "throw",
    Time = "time",
    TimerHandleCancelled = "_timer_handle_cancelled",
    Value = "value",
    When = "when",
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
