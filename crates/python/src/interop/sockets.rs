//! The descriptor of a `socket.socket`, and sockets made without asking the kernel again.
//!
//! The number is read from the socket object each time and never remembered: once the program closes its socket, the
//! object says -1, while the number may belong to another file by then. CPython keeps it in the first word behind the
//! object's head, and behind it family, type, protocol and, after a pointer, the timeout (Modules/socketmodule.h, the same
//! from 3.11 to 3.15); that is confirmed by experiment when the module is made, and where the experiment fails Python's
//! own methods are called instead.

use std::cell::Cell;
use std::os::fd::{IntoRawFd, OwnedFd, RawFd};
use std::os::raw::{c_char, c_int};

use pyo3::ffi;

use super::calls;
use super::errors::{Builtin, PyResult, Raised};
use super::imports::{dotted, imports};
use super::interned::{Name, intern};
use super::object::{Object, Slot};
use super::recognised::Unchanged;
use super::values;

/// What stands behind the head of a `_socket.socket`.
#[repr(C)]
struct Fields {
    descriptor: RawFd,
    family: i32,
    kind: i32,
    protocol: i32,
    error_handler: usize,
    /// Nanoseconds; 0 is non-blocking.
    timeout: i64,
}

struct Layout {
    known: Cell<bool>,
    /// Whether all of [`Fields`] is confirmed.
    fields_known: Cell<bool>,
    /// The address of the type `_socket.socket`.
    kind: Cell<*mut ffi::PyTypeObject>,
    /// `socket.socket.__new__`
    new: Slot,
    /// `_socket.socket.close`
    close: Slot,
}

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Layout {}

static LAYOUT: Layout = Layout {
    known: Cell::new(false),
    fields_known: Cell::new(false),
    kind: Cell::new(std::ptr::null_mut()),
    new: Slot::empty(),
    close: Slot::empty(),
};

/// `socket.socket`, as it was when the module was made.
static SOCKET: Unchanged = Unchanged::nothing();

fn fields(socket: &Object) -> *mut Fields {
    // SAFETY: called only with instances of `_socket.socket`, which are larger than a head; the pointer stays inside.
    unsafe {
        socket
            .as_ptr()
            .cast::<u8>()
            .add(size_of::<ffi::PyObject>())
            .cast::<Fields>()
    }
}

fn word_behind_head(socket: &Object) -> RawFd {
    // SAFETY: as above, and at least an int lies there.
    unsafe { (*fields(socket)).descriptor }
}

/// Finds the type and confirms the layout, with an open and then closed socket.
///
/// # Errors
/// What the imports raise; a process without a free descriptor leaves the layout unconfirmed.
pub(crate) fn learn_layout() -> PyResult<()> {
    let kind = dotted("_socket", &["socket"])?;
    LAYOUT.kind.set(kind.clone().into_ptr().cast());
    let class = dotted("socket", &["socket"])?;
    SOCKET.learn(
        &class,
        &["accept", "_accept", "__init__", "close", "_real_close"],
    )?;
    LAYOUT
        .new
        .set(calls::attribute(&class, &intern("__new__")?)?);
    LAYOUT
        .close
        .set(calls::attribute(&kind, &intern("close")?)?);
    let pair = dotted("socket", &["socketpair"])?;
    let Ok(pair) = calls::call(&pair, []) else {
        super::errors::take_raised();
        return Ok(());
    };
    let (fileno, close) = (intern("fileno")?, intern("close")?);
    let mut confirmed = true;
    let mut all_confirmed = true;
    for (socket, timeout) in values::items(&pair)?.into_iter().zip([2, 0]) {
        let number = values::to_integer(&calls::call(&calls::attribute(&socket, &fileno)?, [])?)?;
        confirmed &= i64::from(word_behind_head(&socket)) == number;
        all_confirmed &= fields_are_as_expected(&socket, timeout)?;
        calls::call(&calls::attribute(&socket, &close)?, [])?;
        confirmed &= word_behind_head(&socket) == -1;
    }
    LAYOUT.known.set(confirmed);
    LAYOUT.fields_known.set(confirmed && all_confirmed);
    Ok(())
}

/// Whether a stream socket with this timeout (seconds) looks as [`Fields`] has it.
fn fields_are_as_expected(socket: &Object, timeout: i64) -> PyResult<bool> {
    let size = calls::attribute(&dotted("_socket", &["socket"])?, &intern("__basicsize__")?)?;
    let needed = size_of::<ffi::PyObject>() + size_of::<Fields>();
    if values::to_integer(&size)? < needed as i64 {
        return Ok(false);
    }
    let set = calls::attribute(socket, &intern("settimeout")?)?;
    calls::call(&set, [&values::signed_integer(timeout)?])?;
    // SAFETY: an instance of `_socket.socket`, whose type says that it is large enough.
    let seen = unsafe { fields(socket).read() };
    Ok(seen.family == libc::AF_UNIX
        && seen.kind == libc::SOCK_STREAM
        && seen.protocol == 0
        && seen.error_handler != 0
        && seen.timeout == timeout * 1_000_000_000)
}

/// Family, type and protocol of a listening socket whose connections [`adopt`] can make: an unchanged `socket.socket`.
pub(crate) fn kind_of_listener(socket: &Object) -> Option<(i32, i32, i32)> {
    if !LAYOUT.fields_known.get() || !SOCKET.is_type_of(socket) {
        return None;
    }
    // SAFETY: an instance of `_socket.socket` of the confirmed layout.
    let seen = unsafe { fields(socket).read() };
    Some((seen.family, seen.kind, seen.protocol))
}

/// A `socket.socket` that owns this non-blocking descriptor, as `socket.accept()` makes it.
///
/// # Errors
/// `MemoryError`; what an audit hook raises.
pub(crate) fn adopt(
    descriptor: OwnedFd,
    (family, kind, protocol): (i32, i32, i32),
) -> PyResult<Object> {
    let (Some(new), true) = (LAYOUT.new.get(), LAYOUT.fields_known.get()) else {
        return Err(Builtin::RuntimeError.raise("the layout of sockets is unknown"));
    };
    let made = calls::call(&new, [&imports().socket])?;
    if !is_socket(&made) {
        return Err(Builtin::RuntimeError.raise("socket.socket was replaced"));
    }
    // SAFETY: the event's name and format are C strings, and the arguments are what the format says.
    let refused = unsafe {
        PySys_Audit(
            c"socket.__new__".as_ptr(),
            c"Oiii".as_ptr(),
            made.as_ptr(),
            family,
            kind,
            protocol,
        )
    };
    if refused < 0 {
        return Err(Raised::already());
    }
    calls::set_attribute(
        &made,
        Name::IoReferences.object(),
        &values::signed_integer(0)?,
    )?;
    calls::set_attribute(&made, Name::Closed.object(), &Object::from_bool(false))?;
    // SAFETY: a new instance of the confirmed layout without a descriptor; it owns this one from now on.
    unsafe {
        let place = fields(&made);
        (*place).family = family;
        (*place).kind = kind;
        (*place).protocol = protocol;
        (*place).timeout = 0;
        (*place).descriptor = descriptor.into_raw_fd();
    }
    Ok(made)
}

/// `socket.close()`, without the two Python frames of an unchanged `socket.socket`.
///
/// # Errors
/// What closing raises.
pub(crate) fn close(socket: &Object) -> PyResult<()> {
    if SOCKET.is_type_of(socket)
        && let Some(close) = LAYOUT.close.get()
    {
        let files = calls::attribute(socket, Name::IoReferences.object())?;
        if values::to_integer(&files)? <= 0 {
            calls::set_attribute(socket, Name::Closed.object(), &Object::from_bool(true))?;
            return calls::call(&close, [socket]).map(drop);
        }
    }
    calls::call_method(Name::Close, [socket]).map(drop)
}

unsafe extern "C" {
    /// Include/cpython/sysmodule.h, exported by every CPython.
    fn PySys_Audit(event: *const c_char, format: *const c_char, ...) -> c_int;
}

/// Whether the object is a socket of CPython's own, whose descriptor [`descriptor`] can read.
pub(crate) fn is_socket(object: &Object) -> bool {
    let kind = LAYOUT.kind.get();
    // SAFETY: the object is live, and the type is kept for good by `learn_layout`.
    LAYOUT.known.get()
        && !kind.is_null()
        && unsafe { ffi::PyObject_TypeCheck(object.as_ptr(), kind) != 0 }
}

/// Whether a transport may ask the kernel about this socket directly: it is CPython's own, and a subclass of it reads and
/// writes as it does.
///
/// # Errors
/// What a metaclass's look-up raises.
pub(crate) fn is_plain(socket: &Object) -> PyResult<bool> {
    if !is_socket(socket) || SOCKET.is_type_of(socket) {
        return Ok(is_socket(socket));
    }
    let own = dotted("_socket", &["socket"])?;
    for name in ["recv", "recv_into", "send", "sendmsg", "shutdown"] {
        let name = intern(name)?;
        let method = calls::attribute(&socket.kind(), &name)?;
        if !method.is(&calls::attribute(&own, &name)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an object for which [`is_socket`] holds is a TCP socket; false where that cannot be told without asking the kernel.
#[inline(always)]
pub(crate) fn is_tcp(socket: &Object) -> bool {
    if !LAYOUT.fields_known.get() {
        return false;
    }
    // SAFETY: the layout is confirmed, and the caller has checked the type.
    let (family, kind, protocol) = unsafe {
        let fields = &*fields(socket);
        (fields.family, fields.kind, fields.protocol)
    };
    matches!(family, libc::AF_INET | libc::AF_INET6)
        && kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) == libc::SOCK_STREAM
        && matches!(protocol, 0 | libc::IPPROTO_TCP)
}

/// The descriptor of an object for which [`is_socket`] holds, which the caller has checked once; -1 if it is closed.
#[inline(always)]
pub(crate) fn descriptor(socket: &Object) -> RawFd {
    debug_assert!(is_socket(socket));
    word_behind_head(socket)
}
