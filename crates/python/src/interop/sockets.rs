//! The descriptor of a `socket.socket`.
//!
//! The number is read from the socket object each time and never remembered: once the program closes its socket, the
//! object says -1, while the number may belong to another file by then. CPython keeps it in the first word behind the
//! object's head (Modules/socketmodule.h, the same from 3.11 to 3.15); that is confirmed by experiment when the module
//! is made, and where the experiment fails `fileno()` is called instead.

use std::cell::Cell;
use std::os::fd::RawFd;

use pyo3::ffi;

use super::calls;
use super::errors::PyResult;
use super::imports::dotted;
use super::interned::intern;
use super::object::Object;
use super::values;

struct Layout {
    known: Cell<bool>,
    /// The address of the type `_socket.socket`.
    kind: Cell<*mut ffi::PyTypeObject>,
}

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Layout {}

static LAYOUT: Layout = Layout {
    known: Cell::new(false),
    kind: Cell::new(std::ptr::null_mut()),
};

fn word_behind_head(socket: &Object) -> RawFd {
    // SAFETY: called only with instances of `_socket.socket`, which are larger than a head and an int.
    unsafe {
        *socket
            .as_ptr()
            .cast::<u8>()
            .add(size_of::<ffi::PyObject>())
            .cast::<RawFd>()
    }
}

/// Finds the type and confirms the layout, with an open and then closed socket.
///
/// # Errors
/// What the imports raise; a process without a free descriptor leaves the layout unconfirmed.
pub(crate) fn learn_layout() -> PyResult<()> {
    let kind = dotted("_socket", &["socket"])?;
    LAYOUT.kind.set(kind.clone().into_ptr().cast());
    let pair = dotted("socket", &["socketpair"])?;
    let Ok(pair) = calls::call(&pair, []) else {
        super::errors::take_raised();
        return Ok(());
    };
    let (fileno, close) = (intern("fileno")?, intern("close")?);
    let mut confirmed = true;
    for socket in values::items(&pair)? {
        let number = values::to_integer(&calls::call(&calls::attribute(&socket, &fileno)?, [])?)?;
        confirmed &= i64::from(word_behind_head(&socket)) == number;
        calls::call(&calls::attribute(&socket, &close)?, [])?;
        confirmed &= word_behind_head(&socket) == -1;
    }
    LAYOUT.known.set(confirmed);
    Ok(())
}

/// Whether the object is a socket of CPython's own, whose descriptor [`descriptor`] can read.
pub(crate) fn is_socket(object: &Object) -> bool {
    let kind = LAYOUT.kind.get();
    // SAFETY: the object is live, and the type is kept for good by `learn_layout`.
    LAYOUT.known.get()
        && !kind.is_null()
        && unsafe { ffi::PyObject_TypeCheck(object.as_ptr(), kind) != 0 }
}

/// The descriptor of an object for which [`is_socket`] holds, which the caller has checked once; -1 if it is closed.
#[inline(always)]
pub(crate) fn descriptor(socket: &Object) -> RawFd {
    debug_assert!(is_socket(socket));
    word_behind_head(socket)
}
