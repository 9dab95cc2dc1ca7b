//! Python exceptions as Rust results.

use std::ffi::CString;

use pyo3::ffi;

use super::object::Object;

/// The error of a call into Python: the exception itself stays in the thread's error
/// indicator, where CPython expects it; this is the promise that it is set.
#[must_use]
#[derive(Debug)]
pub(crate) struct Raised(());

/// What a call into Python gives.
pub(crate) type PyResult<T> = Result<T, Raised>;

/// The builtin exceptions that this crate raises or compares with.
#[derive(Clone, Copy)]
pub(crate) enum Builtin {
    /// `AttributeError`
    AttributeError,
    /// `BlockingIOError`
    BlockingIoError,
    /// `Exception`
    Exception,
    /// `InterruptedError`
    InterruptedError,
    /// `NotImplementedError`
    NotImplementedError,
    /// `OSError`
    OsError,
    /// `ResourceWarning`
    ResourceWarning,
    /// `RuntimeError`
    RuntimeError,
    /// `StopIteration`
    StopIteration,
    /// `TypeError`
    TypeError,
    /// `ValueError`
    ValueError,
}

impl Builtin {
    fn as_ptr(self) -> *mut ffi::PyObject {
        // SAFETY: CPython sets these statics before any extension is loaded.
        unsafe {
            match self {
                Builtin::AttributeError => ffi::PyExc_AttributeError,
                Builtin::BlockingIoError => ffi::PyExc_BlockingIOError,
                Builtin::Exception => ffi::PyExc_Exception,
                Builtin::InterruptedError => ffi::PyExc_InterruptedError,
                Builtin::NotImplementedError => ffi::PyExc_NotImplementedError,
                Builtin::OsError => ffi::PyExc_OSError,
                Builtin::ResourceWarning => ffi::PyExc_ResourceWarning,
                Builtin::RuntimeError => ffi::PyExc_RuntimeError,
                Builtin::StopIteration => ffi::PyExc_StopIteration,
                Builtin::TypeError => ffi::PyExc_TypeError,
                Builtin::ValueError => ffi::PyExc_ValueError,
            }
        }
    }

    /// The class as an object.
    pub(crate) fn class(self) -> Object {
        // SAFETY: builtin classes live as long as the interpreter.
        unsafe { Object::from_borrowed(self.as_ptr()).unwrap_unchecked() }
    }

    /// Raises it with a message.
    #[cold]
    pub(crate) fn raise(self, message: &str) -> Raised {
        raise(&self.class(), message)
    }
}

impl Raised {
    /// The error indicator was set by the call that just failed.
    #[inline(always)]
    pub(super) fn already() -> Raised {
        Raised(())
    }

    /// Raises `MemoryError`.
    #[cold]
    pub(crate) fn no_memory() -> Raised {
        // SAFETY: sets the indicator.
        unsafe { ffi::PyErr_NoMemory() };
        Raised(())
    }

    /// Takes the exception out of the indicator, normalised, its traceback attached.
    pub(crate) fn take(self) -> Object {
        take_raised().unwrap_or_else(missing_exception)
    }

    /// Whether the pending exception is of this builtin class.
    pub(crate) fn is(&self, class: Builtin) -> bool {
        // SAFETY: the indicator is set (that is what `self` means).
        unsafe { ffi::PyErr_ExceptionMatches(class.as_ptr()) != 0 }
    }

    /// Reports the exception through `sys.unraisablehook`; for places with no caller.
    pub(crate) fn write_unraisable(self, source: &Object) {
        // SAFETY: the indicator is set; the call clears it.
        unsafe { ffi::PyErr_WriteUnraisable(source.as_ptr()) };
    }

    /// Drops the exception.
    pub(crate) fn forget(self) {
        // SAFETY: clearing the indicator is always allowed.
        unsafe { ffi::PyErr_Clear() };
    }
}

#[cold]
fn missing_exception() -> Object {
    Builtin::RuntimeError
        .raise("an error was reported without an exception")
        .take()
}

/// Raises `class(message)`.
#[cold]
pub(crate) fn raise(class: &Object, message: &str) -> Raised {
    let text = CString::new(message.replace('\0', "\\0")).unwrap_or_default();
    // SAFETY: the class is live and the text ends with NUL.
    unsafe { ffi::PyErr_SetString(class.as_ptr(), text.as_ptr()) };
    Raised(())
}

/// Raises an exception instance, as `raise exception` does.
pub(crate) fn raise_instance(exception: &Object) -> Raised {
    // SAFETY: both are live; SetObject takes its own references.
    unsafe {
        let class = ffi::Py_TYPE(exception.as_ptr()).cast();
        ffi::PyErr_SetObject(class, exception.as_ptr());
    }
    Raised(())
}

/// Raises what a program calls an exception, as `raise given` does: an instance, or a class, which is called.
///
/// # Reentrancy
/// Calling a class runs any Python code.
pub(crate) fn raise_given(given: &Object) -> Raised {
    // SAFETY: the object is live; only the flags of types are read.
    let (instance, class) = unsafe {
        (
            ffi::PyExceptionInstance_Check(given.as_ptr()) != 0,
            ffi::PyExceptionClass_Check(given.as_ptr()) != 0,
        )
    };
    if instance {
        return raise_instance(given);
    }
    if !class {
        return Builtin::TypeError.raise("exceptions must derive from BaseException");
    }
    match super::calls::call(given, []) {
        Ok(made) => raise_given_by(given, &made),
        Err(raised) => raised,
    }
}

/// What calling the class gave.
fn raise_given_by(class: &Object, made: &Object) -> Raised {
    // SAFETY: the object is live; only the flags of its type are read.
    if unsafe { ffi::PyExceptionInstance_Check(made.as_ptr()) } != 0 {
        return raise_instance(made);
    }
    let class = super::values::repr(class);
    let kind = super::instance::type_name(made);
    Builtin::TypeError.raise(&format!(
        "calling {class} should have returned an instance of BaseException, not {kind}"
    ))
}

/// Raises an `OSError` (or its subclass for that `errno`).
pub(crate) fn raise_os_error(error: &std::io::Error) -> Raised {
    let number = error.raw_os_error().unwrap_or(0);
    // SAFETY: `__errno_location` gives this thread's errno; SetFromErrno reads it.
    unsafe {
        *libc::__errno_location() = number;
        ffi::PyErr_SetFromErrno(ffi::PyExc_OSError);
    }
    Raised(())
}

/// Puts an exception back into the indicator exactly as it was taken out: unlike
/// [`raise_instance`] this adds no `__context__`.
pub(crate) fn restore(exception: Object) -> Raised {
    // SAFETY: ownership passes to the indicator.
    #[cfg(Py_3_12)]
    unsafe {
        ffi::PyErr_SetRaisedException(exception.into_ptr());
    }
    // SAFETY: Restore steals all three references; a NULL traceback is allowed.
    #[cfg(not(Py_3_12))]
    unsafe {
        let class: *mut ffi::PyObject = ffi::Py_TYPE(exception.as_ptr()).cast();
        ffi::Py_INCREF(class);
        let traceback = ffi::PyException_GetTraceback(exception.as_ptr());
        ffi::PyErr_Restore(class, exception.into_ptr(), traceback);
    }
    Raised(())
}

/// Does something while `exception` is the one that is handled, as in the body of `except`: `sys.exc_info()` gives it, and
/// what is raised meanwhile has it as its `__context__`. No exception may be pending.
///
/// # Reentrancy
/// What `action` does.
pub(crate) fn while_handling<R>(exception: &Object, action: impl FnOnce() -> R) -> R {
    // SAFETY: Get gives an owned reference or NULL, Set takes a reference of its own.
    let before = unsafe { Object::from_owned(ffi::PyErr_GetHandledException()) };
    // SAFETY: the exception is live.
    unsafe { ffi::PyErr_SetHandledException(exception.as_ptr()) };
    let outcome = action();
    let previous = before.as_ref().map_or(std::ptr::null_mut(), Object::as_ptr);
    // SAFETY: `before` is live, NULL means that nothing is handled. A pending exception is not touched.
    unsafe { ffi::PyErr_SetHandledException(previous) };
    outcome
}

/// Takes the pending exception, if there is one.
pub(crate) fn take_raised() -> Option<Object> {
    // SAFETY: gives an owned reference or NULL.
    #[cfg(Py_3_12)]
    unsafe {
        Object::from_owned(ffi::PyErr_GetRaisedException())
    }
    // SAFETY: Fetch gives three owned references; Normalize keeps them owned.
    #[cfg(not(Py_3_12))]
    unsafe {
        let (mut class, mut value, mut traceback) = (
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        );
        ffi::PyErr_Fetch(&mut class, &mut value, &mut traceback);
        if class.is_null() {
            return None;
        }
        ffi::PyErr_NormalizeException(&mut class, &mut value, &mut traceback);
        if !traceback.is_null() {
            ffi::PyException_SetTraceback(value, traceback);
            ffi::Py_DECREF(traceback);
        }
        ffi::Py_DECREF(class);
        Object::from_owned(value)
    }
}

/// Whether an exception instance (or class) matches `class`.
#[inline]
pub(crate) fn exception_matches(exception: &Object, class: &Object) -> bool {
    // SAFETY: both are live.
    unsafe { ffi::PyErr_GivenExceptionMatches(exception.as_ptr(), class.as_ptr()) != 0 }
}

/// Whether this exception must leave the loop instead of being reported
/// (`SystemExit` and `KeyboardInterrupt`, as asyncio has it).
#[inline]
pub(crate) fn leaves_the_loop(exception: &Object) -> bool {
    // SAFETY: builtin classes are live.
    unsafe {
        let exception = exception.as_ptr();
        ffi::PyErr_GivenExceptionMatches(exception, ffi::PyExc_KeyboardInterrupt) != 0
            || ffi::PyErr_GivenExceptionMatches(exception, ffi::PyExc_SystemExit) != 0
    }
}

/// `exception.__traceback__`.
pub(crate) fn traceback(exception: &Object) -> Option<Object> {
    // SAFETY: gives an owned reference or NULL.
    unsafe { Object::from_owned(ffi::PyException_GetTraceback(exception.as_ptr())) }
}

/// Sets `exception.__traceback__`.
pub(crate) fn set_traceback(exception: &Object, traceback: &Object) {
    // SAFETY: both are live; the call takes its own reference. It fails only when the
    // second argument is neither None nor a traceback, which our callers exclude.
    if unsafe { ffi::PyException_SetTraceback(exception.as_ptr(), traceback.as_ptr()) } < 0 {
        Raised::already().forget();
    }
}

/// Sets `exception.__cause__` and `__context__` to `cause`, as `raise … from cause` does.
pub(crate) fn set_cause(exception: &Object, cause: &Object) {
    // SAFETY: both setters steal the reference given to them.
    unsafe {
        ffi::PyException_SetCause(exception.as_ptr(), cause.clone().into_ptr());
        ffi::PyException_SetContext(exception.as_ptr(), cause.clone().into_ptr());
    }
}

/// Whether the object is an exception class.
pub(crate) fn is_exception_class(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyExceptionClass_Check(object.as_ptr()) != 0 }
}

/// Whether the object is an exception instance.
pub(crate) fn is_exception_instance(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyExceptionInstance_Check(object.as_ptr()) != 0 }
}

/// Whether the object is a traceback.
pub(crate) fn is_traceback(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyTraceBack_Check(object.as_ptr()) != 0 }
}

/// Issues a `DeprecationWarning` for the calling Python code.
///
/// # Errors
/// The warning itself, where it is turned into an error.
pub(crate) fn warn_deprecated(message: &str) -> PyResult<()> {
    // SAFETY: CPython sets this static before any extension is loaded.
    warn(unsafe { ffi::PyExc_DeprecationWarning }, message)
}

/// Issues a `RuntimeWarning` for the calling Python code.
///
/// # Errors
/// The warning itself, where it is turned into an error.
pub(crate) fn warn_runtime(message: &str) -> PyResult<()> {
    // SAFETY: CPython sets this static before any extension is loaded.
    warn(unsafe { ffi::PyExc_RuntimeWarning }, message)
}

fn warn(category: *mut ffi::PyObject, message: &str) -> PyResult<()> {
    let text = CString::new(message).unwrap_or_default();
    // SAFETY: our callers pass a builtin class; the text ends with NUL.
    match unsafe { ffi::PyErr_WarnEx(category, text.as_ptr(), 1) } {
        0 => Ok(()),
        _ => Err(Raised::already()),
    }
}
