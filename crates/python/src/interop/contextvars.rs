//! `contextvars.Context` (PEP 567).

use pyo3::ffi;

use super::errors::{PyResult, Raised};
use super::object::Object;

/// `contextvars.copy_context()`.
#[inline(always)]
pub(crate) fn copy_current() -> PyResult<Object> {
    // SAFETY: gives an owned reference or NULL with an exception.
    unsafe { Object::from_owned(ffi::PyContext_CopyCurrent()) }.ok_or_else(Raised::already)
}

/// Whether the object is a `contextvars.Context`.
pub(crate) fn is_context(object: &Object) -> bool {
    // SAFETY: the object is live; the type object is CPython's own.
    unsafe { ffi::PyContext_CheckExact(object.as_ptr()) != 0 }
}

/// An entered context; [`Entered::exit`] (or the drop) leaves it.
pub(crate) struct Entered<'a>(&'a Object);

impl<'a> Entered<'a> {
    /// Makes `context` the current one.
    ///
    /// # Errors
    /// `RuntimeError` if it is entered already, `TypeError` if it is no context.
    #[inline(always)]
    pub(crate) fn new(context: &'a Object) -> PyResult<Entered<'a>> {
        // SAFETY: the object is live, and its type is checked by the call itself
        // (`ENSURE_Context`).
        match unsafe { ffi::PyContext_Enter(context.as_ptr()) } {
            0 => Ok(Entered(context)),
            _ => Err(Raised::already()),
        }
    }
}

impl Drop for Entered<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: entered by `new`. The exit fails only if the callee left another context
        // entered on top; then CPython has set a RuntimeError, which must not stay behind
        // unseen.
        if unsafe { ffi::PyContext_Exit(self.0.as_ptr()) } < 0 {
            Raised::already().write_unraisable(self.0);
        }
    }
}
